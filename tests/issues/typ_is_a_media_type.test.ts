/** `typ` of a request object was compared as text: `application/oauth-authz-req+jwt`, `jwt` and other spellings of the same media type were refused. Issue 8, B.24; RFC 7515 §4.1.9 */
import { expect, test } from 'bun:test'
import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import { hasType, requestTypes } from '../../src/auth/jwt_type.ts'
import { systemRandom } from '../../src/lib/random.ts'
import { addClient, bank, begin } from '../support/backchannel.ts'
import { authorizationUrl, formPost, type Json, type TestClient } from '../support/client.ts'
import { operatorClient } from '../support/flow.ts'
import { type Provider, provider } from '../support/provider.ts'

const { privateKey, publicKey } = await generateKeyPair('ES256', { extractable: true })
const jwks = { keys: [{ ...(await exportJWK(publicKey)), kty: 'EC' as const, kid: 'c1', alg: 'ES256' }] }

const good = [
  undefined,
  'oauth-authz-req+jwt',
  'OAuth-Authz-Req+JWT',
  'application/oauth-authz-req+jwt',
  'Application/OAUTH-authz-req+jwt',
  'JWT',
  'jwt',
  'Jwt',
  'application/jwt',
  'APPLICATION/JWT',
]
const bad: unknown[] = [
  'at+jwt',
  'application/at+jwt',
  'dpop+jwt',
  'client-authentication+jwt',
  'text/jwt',
  'x/oauth-authz-req+jwt',
  'application/application/jwt',
  'application/x/jwt',
  'oauth-authz-req',
  '',
  ' jwt',
  5,
  null,
  ['JWT'],
  {},
]

const client: TestClient = { client_id: 'signer', redirect_uri: 'https://rp.example/cb' }

async function start(): Promise<Provider> {
  const op = await provider()
  await operatorClient(op, {
    client_id: client.client_id,
    redirect_uris: [client.redirect_uri],
    token_endpoint_auth_method: 'none',
    scope: 'openid',
    jwks,
  })
  await addClient(op, { jwks, backchannel_authentication_request_signing_alg: 'ES256' })
  return op
}

const now = (op: Provider) => Math.floor(op.clock.now() / 1000)

function sign(op: Provider, iss: string, claims: Json, typ: unknown): Promise<string> {
  const header = { alg: 'ES256', kid: 'c1', ...(typ !== undefined && { typ }) } as { alg: string }
  const times = { iat: now(op), nbf: now(op), exp: now(op) + 300 }
  return new SignJWT({ iss, aud: op.issuer, jti: systemRandom(9), ...times, ...claims })
    .setProtectedHeader(header)
    .sign(privateKey)
}

const asked = (op: Provider, typ: unknown) =>
  sign(op, client.client_id, authorizationUrl(op.issuer, client, { scope: 'openid' }).params, typ)

/** Whether the endpoint takes a request of this type. */
const endpoints: Record<string, (op: Provider, typ: unknown) => Promise<boolean>> = {
  async '/authorize'(op, typ) {
    const query = new URLSearchParams({ client_id: client.client_id, request: await asked(op, typ) })
    const { status } = await op.fetch(`/authorize?${query}`)
    expect([303, 400]).toContain(status)
    return status === 303
  },
  async '/par'(op, typ) {
    const { status } = await op.fetch('/par', formPost(client, { request: await asked(op, typ) }))
    expect([201, 400]).toContain(status)
    return status === 201
  },
  async '/bc-authorize'(op, typ) {
    const request = await sign(op, bank.client_id, { scope: 'openid', login_hint: 'alice' }, typ)
    const { status } = await begin(op, { request, scope: undefined, login_hint: undefined })
    expect([200, 400]).toContain(status)
    return status === 200
  },
}

test.each(Object.entries(endpoints))('%s reads typ as a media type', async (_, takes) => {
  const op = await start()
  for (const typ of good) expect([typ, await takes(op, typ)]).toEqual([typ, true])
  for (const typ of bad) expect([typ, await takes(op, typ)]).toEqual([typ, false])
})

test('the rule that assertions and ID Tokens of others are read by too', () => {
  for (const typ of good) expect([typ, hasType(typ, requestTypes)]).toEqual([typ, true])
  for (const typ of bad) expect([typ, hasType(typ, requestTypes)]).toEqual([typ, false])
})
