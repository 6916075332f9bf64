/** A `state` with half of a surrogate pair in a request object, which JSON can write and no URL can carry, was an unexpected error. RFC 9101 §4 */
import { expect, test } from 'bun:test'
import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import { authorizationUrl, formPost, type Json, type TestClient } from '../support/client.ts'
import { browser, operatorClient } from '../support/flow.ts'
import { provider } from '../support/provider.ts'

const client: TestClient = { client_id: 'signer', redirect_uri: 'https://rp.example/cb' }
const { privateKey, publicKey } = await generateKeyPair('ES256', { extractable: true })

async function start() {
  const op = await provider()
  await operatorClient(op, {
    client_id: client.client_id,
    redirect_uris: [client.redirect_uri],
    scope: 'openid profile',
    token_endpoint_auth_method: 'none',
    jwks: { keys: [{ ...(await exportJWK(publicKey)), kty: 'EC', kid: 'c1', alg: 'ES256' }] },
  })
  const sign = (inside: Json) => {
    const { params } = authorizationUrl(op.issuer, client, { scope: 'openid profile' })
    return new SignJWT({ ...params, iss: client.client_id, aud: op.issuer, ...inside })
      .setProtectedHeader({ alg: 'ES256', kid: 'c1', typ: 'oauth-authz-req+jwt' })
      .sign(privateKey)
  }
  return { op, sign }
}

const half = 'a\ud800b'
const inside: Json[] = [
  { state: half },
  { state: half, response_mode: 'fragment' },
  { nonce: half },
  { resource: [half] },
]

test.each(inside)('%j is refused when it is pushed', async (bad) => {
  const { op, sign } = await start()
  const answer = await op.fetch('/par', formPost(client, { request: await sign(bad) }))
  const { error } = (await answer.json()) as Json
  expect([answer.status, error]).toEqual([400, 'invalid_request_object'])
})

test.each(inside)('%j is refused at /authorize, and the client learns of it', async (bad) => {
  const { op, sign } = await start()
  const request = await sign(bad)
  const { redirect_uri, client_id } = client
  const query = new URLSearchParams({
    client_id,
    redirect_uri,
    response_type: 'code',
    scope: 'openid',
    state: 'outside',
    request,
  })
  const { location } = await browser(op).open(`/authorize?${query}`)
  expect(location?.searchParams.get('error')).toBe('invalid_request_object')
  expect(op.lines.join('\n')).not.toContain('unexpected')
})

test('a state of whole characters comes back as it was', async () => {
  const { op, sign } = await start()
  const state = 'é \u{1f511} &=?#'
  const query = new URLSearchParams({
    client_id: client.client_id,
    response_type: 'code',
    scope: 'openid',
    request: await sign({ state }),
  })
  const location = await browser(op).goThrough(`${op.issuer}/authorize?${query}`)
  expect(location.searchParams.get('state')).toBe(state)
})
