/** A client that registered its private key in place of a JWK Set, as a text for example, had the key in the log and in the answer. */
import { expect, test } from 'bun:test'
import { provider } from '../support/provider.ts'

const privateKey = 'PRIVATEPRIVATEPRIVATEPRIVATE'
const jwk = { kty: 'EC', crv: 'P-256', x: 'x', y: 'y', d: privateKey }

test.each<[string, unknown]>([
  ['a JWK Set as a text', { jwks: JSON.stringify({ keys: [jwk] }) }],
  ['a PEM file in place of a JWK Set', { jwks: `-----BEGIN PRIVATE KEY-----\n${privateKey}` }],
  ['a key as a text', { jwks: { keys: [JSON.stringify(jwk)] } }],
  ['the metadata as a text', JSON.stringify({ jwks: { keys: [jwk] } })],
  ['a private JWK', { jwks: { keys: [jwk] } }],
])('%s is refused, and neither the answer nor the log shows it', async (_, body) => {
  const op = await provider({ env: { REGISTRATION: 'open' } })
  const answer = await op.fetch('/register', {
    method: 'POST',
    body: JSON.stringify(body),
    headers: { 'content-type': 'application/json' },
  })
  const text = await answer.text()
  expect([answer.status, JSON.parse(text).error]).toEqual([400, 'invalid_client_metadata'])
  expect(op.lines.filter((line) => line.includes('refused'))).toHaveLength(1)
  for (const shown of [text, ...op.lines]) expect(shown).not.toContain(privateKey)
})

test('the refusal still says which member is wrong and what it must be', async () => {
  const op = await provider({ env: { REGISTRATION: 'open' } })
  const describe = async (body: unknown) => {
    const answer = await op.fetch('/register', {
      method: 'POST',
      body: JSON.stringify(body),
      headers: { 'content-type': 'application/json' },
    })
    return ((await answer.json()) as { error_description: string }).error_description
  }
  expect(await describe({ jwks: 'x' })).toBe('jwks: expected an object')
  expect(await describe({ jwks: { keys: [jwk] } })).toStartWith('jwks.keys.0: a key carries private members')
  expect(await describe({ redirect_uris: 'https://rp.example' })).toContain('got https://rp.example')
})
