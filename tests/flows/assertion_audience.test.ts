/** Whom a client assertion may be meant for: the issuer alone, unless the old ways are asked for. OpenID Connect Core §9, FAPI 2.0 §5.3.2.1 */
import { expect, test } from 'bun:test'
import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import { jwtBearerAssertion } from '../../src/auth/client_auth.ts'
import { systemRandom } from '../../src/lib/random.ts'
import { Client, makeClient } from '../../src/models/client.ts'
import { read } from '../support/flow.ts'
import { type Provider, provider } from '../support/provider.ts'

const { privateKey, publicKey } = await generateKeyPair('ES256', { extractable: true })
const jwks = { keys: [{ ...(await exportJWK(publicKey)), kty: 'EC' as const, kid: 'k', alg: 'ES256' }] }
const client_id = 'keyed'

async function start(env: Record<string, string>): Promise<Provider> {
  const op = await provider({ env })
  const { client } = makeClient(op.context, {
    client_id,
    redirect_uris: ['https://rp.example/cb'],
    token_endpoint_auth_method: 'private_key_jwt',
    id_token_signed_response_alg: 'ES256',
    jwks,
  })
  await Client.create(op.context, client)
  return op
}

/** Whether the client is who it says, by an assertion for `aud`: then only the code is wrong. */
async function isBelieved(op: Provider, path: string, aud: string | string[]): Promise<boolean> {
  const now = Math.floor(op.clock.now() / 1000)
  const client_assertion = await new SignJWT({ aud, jti: systemRandom(9), iat: now, exp: now + 60 })
    .setIssuer(client_id)
    .setSubject(client_id)
    .setProtectedHeader({ alg: 'ES256', kid: 'k' })
    .sign(privateKey)
  const { status, body } = await read(
    await op.fetch(path, {
      method: 'POST',
      body: new URLSearchParams({
        client_assertion,
        client_assertion_type: jwtBearerAssertion,
        grant_type: 'authorization_code',
        code: 'none',
      }).toString(),
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
    }),
  )
  expect([400, 401]).toContain(status)
  expect(body.error === 'invalid_client').toBe(status === 401)
  return status === 400
}

const mtls = 'https://mtls.example'

for (const [env, issuerAlone, endpoint, list] of [
  [{}, true, false, false],
  [{ PROFILE: 'fapi2' }, true, false, false],
  [{ PROFILE: 'mcp' }, true, false, false],
  [{ PROFILE: 'classic' }, true, true, true],
  [{ PROFILE: 'classic', CLIENT_ASSERTION_AUDIENCE: 'issuer' }, true, false, true],
] as [Record<string, string>, boolean, boolean, boolean][])
  test(`${JSON.stringify(env)}: the issuer, ${endpoint ? 'or our endpoints' : 'and no endpoint'}`, async () => {
    const op = await start({ ...env, MUTUAL_TLS: 'true', MTLS_ISSUER_URL: mtls, TRUSTED_PROXIES: '10.0.0.1' })
    const { issuer } = op
    const takes = (aud: string | string[], path = '/token') => isBelieved(op, path, aud)
    expect(await takes(issuer)).toBe(issuerAlone)
    expect(await takes([issuer])).toBe(list)
    expect(await takes(`${issuer}/token`)).toBe(endpoint)
    expect(await takes([issuer, `${issuer}/token`])).toBe(endpoint)
    expect(await takes(`${issuer}/token`, '/par')).toBe(endpoint)
    expect(await takes(`${issuer}/par`, '/par')).toBe(endpoint)
    expect(await takes(`${mtls}/token`)).toBe(endpoint)
    // Never: another endpoint than the one that is asked, somebody else, or us and somebody else.
    expect(await takes(`${issuer}/par`)).toBe(false)
    expect(await takes('https://other.example/token')).toBe(false)
    expect(await takes([issuer, 'https://other.example'])).toBe(false)
    expect(await takes(`${issuer}/token/`)).toBe(false)
    expect(await takes([])).toBe(false)
  })
