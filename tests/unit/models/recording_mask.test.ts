/** What the recorder masks, and what a hostile text costs it. docs/decisions/0092-recorder.md */
import { expect, test } from 'bun:test'
import { createMask } from '../../../src/models/recording/mask.ts'
import { recorded } from '../../../src/outbound/recorded.ts'
import type { OutboundEvent } from '../../../src/lib/recorder.ts'
import { expectLinear } from '../../support/linear.ts'

const mask = () => createMask(new Uint8Array(32).fill(7), false)

test.each(['eyJaaaa-', 'eyJaaaa.', 'lka_-', 'lka_aaaaaaaaaaaaaaaaaaaaaaaaa', 'eyJaaaa.a.a '])(
  'a body of %s costs time in proportion to its size',
  (unit) =>
    expectLinear(
      (size) => unit.repeat(size),
      (text) => mask().value(text),
    ),
)

test.each(['clientSecret', 'apiKey', 'pwd', 'passphrase', 'access_token', 'newPassword'])(
  'the member %s of a JSON body is masked',
  (name) => {
    const body = mask().body(
      JSON.stringify({ [name]: 'canary-7f3a', client_name: 'App' }),
      'application/json',
    )
    expect(body).not.toContain('canary-7f3a')
    expect(body).toContain('App')
  },
)

test('a query without names, a registration as a parameter and a header of any password are masked', () => {
  const one = mask()
  expect(one.url('https://id.example/token?canary-7f3a')).not.toContain('canary-7f3a')
  expect(
    one.body('registration={"client_secret":"canary-7f3a"}', 'application/x-www-form-urlencoded'),
  ).not.toContain('canary-7f3a')
  expect(one.headers([['x-api-pass', 'canary-7f3a']])).not.toEqual([['x-api-pass', 'canary-7f3a']])
})

test.each([
  ['sms', false],
  ['audit', false],
  ['upstream', true],
] as const)('a request for %s, whose contents are shown or not: %s', async (purpose, isShown) => {
  const heard: OutboundEvent[] = []
  const send = recorded(
    async () => ({ status: 200, headers: { 'x-a': 'canary-b' }, body: 'canary-c' }) as never,
    {
      outbound: (event) => void heard.push(event),
    },
  )
  await send('https://sms.example/send?to=canary-d', {
    purpose,
    method: 'POST',
    body: 'text=canary-e',
  } as never)
  for (const canary of ['canary-b', 'canary-c', 'canary-d', 'canary-e'])
    expect([canary, JSON.stringify(heard).includes(canary)]).toEqual([canary, isShown])
  expect(JSON.stringify(heard)).toContain('https://sms.example')
})
