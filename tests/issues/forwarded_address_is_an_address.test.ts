/**
 * Issue 8, A.17: with TRUSTED_PROXIES, text in X-Forwarded-For that is no address counted as the address of the client.
 * It stood in the log, in sessions and in mails, and each new text had rate limits of its own.
 */
import { expect, test } from 'bun:test'
import { provider } from '../support/provider.ts'

const env = { LOG_FORMAT: 'json', TRUSTED_PROXIES: 'private,loopback,fe80::/10' }
const peer = '10.0.0.1'

/** The address that the line of a refusal names. */
async function addressFor(forwarded: string | undefined): Promise<string> {
  const op = await provider({ env })
  await op.fetch(
    '/userinfo',
    forwarded === undefined ? {} : { headers: { 'x-forwarded-for': forwarded } },
    peer,
  )
  const line = op.lines.map((each) => JSON.parse(each)).find(({ event }) => event === 'refused')
  return line.address
}

const hops: [forwarded: string | undefined, address: string][] = [
  // no address at all: the connection's
  [undefined, peer],
  ['', peer],
  ['call +1 555 0100 now', peer],
  ['unknown', peer],
  ['_hidden', peer],
  ['unix:', peer],
  ['https://evil.example', peer],
  ['1.2.3', peer],
  ['1.2.3.4.5', peer],
  ['256.1.1.1', peer],
  ['01.2.3.4', peer],
  ['1.2.3.4/8', peer],
  ['1.2.3.4:80:80', peer],
  ['[text]', peer],
  ['[text]:80', peer],
  ['203.0.113.9 call us', peer],
  ['203.0.113.9,', peer],
  ['203.0.113.9, text', peer],
  // beyond a hop that is no address nothing counts
  ['203.0.113.9, text, 10.0.0.2', '10.0.0.2'],
  ['text, 10.0.0.2', '10.0.0.2'],
  ['text, 10.0.0.3, 10.0.0.2', '10.0.0.3'],
  ['text, 203.0.113.9', '203.0.113.9'],
  ['203.0.113.1, 203.0.113.9, 10.0.0.2', '203.0.113.9'],
  // every hop is a proxy of ours
  ['10.0.0.3, 10.0.0.2', '10.0.0.3'],
  // an address in another spelling, or with its port
  ['203.0.113.9:4711', '203.0.113.9'],
  ['[2001:db8::1]:4711', '2001:db8::1'],
  ['[2001:db8::1]', '2001:db8::1'],
  ['2001:db8::1', '2001:db8::1'],
  ['::ffff:203.0.113.9', '::ffff:203.0.113.9'],
  // a zone may be any text
  ['2001:db8::1%call us', '2001:db8::1'],
  ['[2001:db8::1%<b>]:1', '2001:db8::1'],
  ['text, fe80::1%call us', 'fe80::1'],
  ['%', peer],
]
for (const [forwarded, address] of hops)
  test(`X-Forwarded-For: ${forwarded ?? '(none)'} is ${address}`, async () => {
    expect(await addressFor(forwarded)).toBe(address)
  })

test('text for an address buys no limits of its own', async () => {
  const op = await provider({ env: { ...env, RATE_LIMITING_ENABLED: 'true', RATE_LIMIT_PER_MINUTE: '2' } })
  const statuses = []
  for (const text of ['a', 'b', 'c'])
    statuses.push((await op.fetch('/userinfo', { headers: { 'x-forwarded-for': text } }, peer)).status)
  expect(statuses).toEqual([401, 401, 429])
})
