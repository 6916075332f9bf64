/** OUTBOUND_ALLOW_HOSTS opens doors, so it opens exactly those it names. */
import { describe, expect, test } from 'bun:test'
import { loadConfig } from '../../../src/config.ts'

const allowed = (text: string) => loadConfig({ OUTBOUND_ALLOW_HOSTS: text }).outboundAllowHosts

describe('OUTBOUND_ALLOW_HOSTS', () => {
  test.each([
    ['localhost:8443', ['localhost:8443']],
    ['RP.Example:443, [::1]:8443', ['rp.example:443', '[::1]:8443']],
    ['[0:0:0:0:0:0:0:1]:08443', ['[::1]:8443']],
    ['127.1:80', ['127.0.0.1:80']],
    ['', []],
  ])('%p', (text, hosts) => {
    expect(allowed(text)).toEqual(hosts)
  })

  test.each([
    'localhost',
    'localhost:',
    'localhost:0',
    'localhost:65536',
    '*:443',
    '*.example:443',
    '::1:443',
  ])('%p names no host and port', (text) => {
    expect(() => allowed(text)).toThrow('OUTBOUND_ALLOW_HOSTS: expected comma-separated host:port pairs')
  })

  test.each(['https://localhost:8443', 'user@localhost:8443', 'localhost:8443/path', '10.0.0.0/8:443'])(
    '%p is more than host and port',
    (text) => {
      expect(() => allowed(text)).toThrow('OUTBOUND_ALLOW_HOSTS')
    },
  )
})

test('by itself nothing is exempt, and five seconds are the limit', () => {
  const config = loadConfig({})
  expect(config.outboundAllowHosts).toEqual([])
  expect(config.outboundTimeoutMs).toBe(5_000)
  expect(config.outboundCaPath).toBeUndefined()
})
