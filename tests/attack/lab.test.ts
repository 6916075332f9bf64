/** The pages of the lab show sign-ins of other people: where they exist, and where they must not. docs/lab.md */
import { expect, test } from 'bun:test'
import { provider } from '../support/provider.ts'

const at = async (
  env: Record<string, string>,
  {
    host,
    peer = '127.0.0.1',
    headers = {},
  }: { host?: string; peer?: string; headers?: Record<string, string> } = {},
) => {
  const op = await provider({ env: { LAB: 'true', ...env } })
  const base = host === undefined ? op.issuer : `http://${host}`
  return (await op.fetch(`${base}/lab`, { headers }, peer)).status
}

test('this machine opens the lab, by a loopback name or the name of the issuer', async () => {
  expect(await at({})).toBe(200)
  // Led to the name of the issuer.
  expect(await at({}, { host: '127.0.0.1:5000' })).toBe(303)
})

test('without LAB there is no lab', async () => {
  expect(await at({ LAB: 'false' })).toBe(404)
})

test('other addresses find nothing, unless LAB_NETWORKS has them', async () => {
  expect(await at({}, { peer: '192.168.1.7' })).toBe(404)
  expect(await at({ LAB_NETWORKS: 'loopback private' }, { peer: '192.168.1.7' })).toBe(200)
  expect(await at({ LAB_NETWORKS: 'loopback private' }, { peer: '203.0.113.9' })).toBe(404)
})

test('behind a proxy, declared or not, the address of the browser decides', async () => {
  const of = (address: string) => ({ headers: { 'x-forwarded-for': address } })
  expect(await at({}, of('203.0.113.9'))).toBe(404)
  expect(await at({ TRUSTED_PROXIES: 'loopback' }, of('203.0.113.9'))).toBe(404)
  const open = { TRUSTED_PROXIES: 'loopback', LAB_NETWORKS: '203.0.113.0/24' }
  expect(await at(open, of('203.0.113.9'))).toBe(200)
  expect(await at({ ...open, TRUSTED_PROXIES: '' }, of('203.0.113.9'))).toBe(404)
})

test.each(['x-real-ip', 'forwarded', 'via', 'x-forwarded-host'])(
  'a proxy of this machine that is not declared brings no stranger: %s',
  async (name) => {
    expect(await at({}, { host: 'localhost:5000', headers: { [name]: '203.0.113.9' } })).toBe(404)
  },
)

test('a name of an attacker that points to this machine finds nothing', async () => {
  expect(await at({}, { host: 'attacker.example:5000' })).toBe(404)
  const proxied = { TRUSTED_PROXIES: 'loopback', LAB_NETWORKS: '203.0.113.0/24' }
  const headers = { 'x-forwarded-for': '203.0.113.9' }
  expect(await at(proxied, { host: 'attacker.example', headers })).toBe(404)
})
