/** Requests that a form of the playground describes: whatever it says, they go to this provider below its path, or are refused. */
import { beforeAll, expect, test } from 'bun:test'
import { HttpError } from '../../src/auth/errors.ts'
import { complete, readDraft, requireSendable } from '../../src/features/lab_client/draft.ts'
import { signedPart } from '../../src/features/lab_client/signed.ts'
import { fuzz, type Fuzzer } from '../support/fuzz.ts'
import { type Provider, provider } from '../support/provider.ts'

let op: Provider
beforeAll(async () => {
  op = await provider({ env: { LAB: 'true', ISSUER_URL: 'http://localhost:5000/tenant' } })
})

const made = {
  method: 'POST',
  path: '/token',
  headers: [],
  params: [],
  signed: [
    signedPart({
      place: 'param',
      name: 'request',
      header: {},
      claims: {},
      key: { kty: 'EC', crv: 'P-256', x: 'unused', y: 'unused', d: 'unused' },
    }),
  ],
}
const paths = [
  '/token',
  '//attacker.example/',
  '/../admin',
  '/%2e%2e/x',
  'http://attacker.example/',
  '/a?b#c',
  '/\\x',
]
const lines = [
  'accept: text/plain',
  'host: attacker.example',
  'dpop: a\r\ncookie: b',
  'cookie',
  'a=b\nc=d',
  '=',
]

/** Mostly what is right, so that many requests are sent with one part that is not. */
const rarely = (fuzzer: Fuzzer, right: string, odd: () => string): string =>
  fuzzer.below(4) === 0 ? odd() : right

test('each request goes to the issuer, with headers of a client alone', async () => {
  const { issuer } = op.context.config
  let sent = 0
  await fuzz(
    'playground',
    (fuzzer) => ({
      method: fuzzer.pick(['GET', 'POST', rarely(fuzzer, 'GET', () => fuzzer.text(['GET']))]),
      path: rarely(fuzzer, fuzzer.pick(paths), () => fuzzer.text(paths, ['/', '..', '%2e', '@', ':80'])),
      heads: rarely(fuzzer, 'accept: text/plain', () => fuzzer.text(lines, [':', '\n', '\r'])),
      more: fuzzer.text(lines, ['=', '&']),
      'h.authorization': rarely(fuzzer, 'Bearer a', () => fuzzer.text(['Bearer a', 'Basic YTpi'])),
      't.request.header': fuzzer.text(['{"alg":"none"}']),
      't.request.claims': fuzzer.text(['{"a":1}']),
      't.request.key': fuzzer.pick(['none', 'other', 'absent']),
    }),
    (fields) => {
      const draft = complete(readDraft(fields, made))
      let url: URL
      try {
        url = requireSendable(draft, op.context)
      } catch (error) {
        if (error instanceof HttpError && error.code === 'unprocessable') return
        throw error
      }
      expect(url.href).toStartWith(`${issuer}/`)
      expect(url.hash + url.username + url.password).toBe('')
      const request = new Request(url, {
        method: draft.method,
        headers: draft.headers.map(([a, b]) => [a, b]),
      })
      for (const name of ['host', 'cookie', 'forwarded', 'x-forwarded-for'])
        expect(request.headers.get(name)).toBeNull()
      sent += 1
    },
  )
  expect(sent).toBeGreaterThan(5)
})
