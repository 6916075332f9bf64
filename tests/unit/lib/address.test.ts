/** Networks of trusted proxies decide whether X-Forwarded-For counts, so addresses next to their bounds are tested. */
import { describe, expect, test } from 'bun:test'
import net from 'node:net'
import { domainToASCII } from 'node:url'
import { inNetworks, isLoopbackHost, parseNetworks } from '../../../src/lib/address.ts'
import { asciiDomain } from '../../../src/lib/ascii_domain.ts'
import { isIP } from '../../../src/lib/ip.ts'

const matches: [list: string, ip: string, inside: boolean][] = [
  ['10.0.0.0/8', '10.255.255.255', true],
  ['10.0.0.0/8', '11.0.0.0', false],
  ['10.0.0.0/8', '::ffff:10.1.2.3', true],
  ['10.0.0.0/8', '::ffff:a01:203', true],
  ['10.0.0.0/8', '::10.1.2.3', false],
  ['::ffff:10.0.0.0/104', '10.9.9.9', true],
  ['192.168.1.7', '192.168.1.7', true],
  ['192.168.1.7', '192.168.1.8', false],
  ['255.255.255.255', '255.255.255.255', true],
  ['0.0.0.0/0', '203.0.113.9', true],
  ['0.0.0.0/0', '2001:db8::1', false],
  ['::/0', '2001:db8::1', true],
  ['::/0', '203.0.113.9', false],
  ['2001:db8::/33', '2001:db8:7fff::1', true],
  ['2001:db8::/33', '2001:db8:8000::1', false],
  ['2001:db8::1', '2001:0DB8:0:0:0:0:0:1', true],
  ['fe80::/10', 'fe80::1%eth0', true],
  ['loopback', '127.9.9.9', true],
  ['loopback', '::1', true],
  ['loopback', '::2', false],
  ['loopback', '128.0.0.1', false],
  ['private', '172.31.255.255', true],
  ['private', '172.32.0.0', false],
  ['private', 'fd12::1', true],
  ['private', '127.0.0.1', false],
  [' 10.0.0.1 , ,loopback', '10.0.0.1', true],
  ['', '10.0.0.1', false],
  ['0.0.0.0/0,::/0', 'unknown', false],
  ['0.0.0.0/0,::/0', '', false],
  ['0.0.0.0/0,::/0', '1.2.3.4:80', false],
  ['0.0.0.0/0,::/0', '010.0.0.1', false],
]

test.each(matches)('%p holds %p: %p', (list, ip, inside) => {
  expect(inNetworks(ip, parseNetworks(list))).toBe(inside)
})

describe('text that is not a network is refused and named', () => {
  test.each([
    '10.0.0.0/33',
    '10.0.0.0/-1',
    '10.0.0.0/08',
    '10.0.0.0/',
    '10.0.0.0/8/8',
    '10.0.0.1/8',
    '2001:db8::1/64',
    '::/129',
    '::ffff:10.0.0.0/95',
    '010.0.0.1',
    '1.2.3',
    'fe80::1%eth0',
    'example.com',
    'constructor',
  ])('%p', (item) => {
    expect(() => parseNetworks(`127.0.0.1,${item}`)).toThrow(JSON.stringify(item))
  })
})

test('loopback hosts, and hosts that only look like them', () => {
  for (const host of ['localhost', 'a.localhost', '127.0.0.1', '127.1.2.3', '[::1]']) {
    expect([host, isLoopbackHost(host)]).toEqual([host, true])
  }
  for (const host of ['localhost.example', 'notlocalhost', '127.0.0.1.nip.io', '0.0.0.0', '[::2]', '']) {
    expect([host, isLoopbackHost(host)]).toEqual([host, false])
  }
})

/** What is decided without the modules of the runtime, which a start does not load. */
describe('as node:net and node:url', () => {
  const octets = ['0', '00', '01', '1', '9', '10', '99', '100', '199', '200', '249', '250', '255', '256', '']
  const texts = [
    ...octets.flatMap((each) => [`${each}.1.2.3`, `1.2.3.${each}`, `1.2.${each}`]),
    ...[
      '1.2.3.4.5',
      ' 1.2.3.4',
      '1.2.3.4\n',
      '::1',
      '::ffff:1.2.3.4',
      'fe80::1%eth0',
      '1::2::3',
      ':',
      'a.b',
      '::a:',
    ],
    ...['1::2:3:4:1.2.3.4', '::', 'A::f', ':::', '1:2:3:4:5:6:7:8', '1:2:3:4:5:6:7:8:9', '::12345'],
  ]
  test.each(texts)('%j: 4, 6 or no address', (text) => expect(isIP(text)).toBe(net.isIP(text)))

  const domains = [
    ...['example.com', 'localhost', 'a-b.example', 'a.', 'a..b', '.a', 'a-.b', 'a.b.c1', 'xn--mnchen-3ya.de'],
    ...['xn--a', 'a.xn--0', 'Example.COM', 'bücher.example', '1.2.3', 'a.1', '0x1', 'a_b.c', 'a b', ''],
  ]
  test.each(domains)('%j: the ASCII form', (text) => expect(asciiDomain(text)).toBe(domainToASCII(text)))
})
