/** Our own resources say which tokens they take, and where those come from. https://www.rfc-editor.org/rfc/rfc9728 */
import { expect, test } from 'bun:test'
import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import { sha256 } from '../../src/lib/hash.ts'
import { authorizationUrl, claimsOf, demo, formPost, type Json } from '../support/client.ts'
import { person } from '../support/person.ts'
import { type Provider, provider } from '../support/provider.ts'

const read = async (op: Provider, url: string) => {
  const answer = await op.fetch(url)
  return { status: answer.status, headers: answer.headers, body: (await answer.json()) as Json }
}

/** The metadata URLs of a challenge, one for each scheme it offers. */
const metadataUrls = (headers: Headers): string[] =>
  [...headers.get('www-authenticate')!.matchAll(/resource_metadata="([^"]+)"/g)].map(([, url]) => url!)

const issuers = ['http://localhost:5000', 'http://localhost:5000/tenants/one']
for (const issuer of issuers)
  test(`from a refusal of ${issuer}/userinfo to a token that it takes`, async () => {
    const op = await provider({ env: { ISSUER_URL: issuer } })
    const resource = `${issuer}/userinfo`
    const bare = await op.fetch(resource)
    expect(bare.status).toBe(401)
    const urls = metadataUrls(bare.headers)
    expect(urls).toHaveLength(bare.headers.get('www-authenticate')!.split('realm=').length - 1)
    expect(new Set(urls).size).toBe(1)
    const url = new URL(urls[0]!)
    expect(url.pathname).toBe(`/.well-known/oauth-protected-resource${new URL(resource).pathname}`)

    const { status, headers, body } = await read(op, urls[0]!)
    expect(status).toBe(200)
    expect(headers.get('content-type')).toBe('application/json')
    expect(headers.get('access-control-allow-origin')).toBe('*')
    const server = (await read(op, `${issuer}/.well-known/openid-configuration`)).body
    expect(body).toEqual({
      resource,
      resource_name: 'Latchkey: userinfo',
      authorization_servers: [server.issuer],
      scopes_supported: ['openid'],
      bearer_methods_supported: ['header', 'body'],
      dpop_signing_alg_values_supported: server.dpop_signing_alg_values_supported,
      ...('authorization_details_types_supported' in server && {
        authorization_details_types_supported: server.authorization_details_types_supported,
      }),
      ...('tls_client_certificate_bound_access_tokens' in server && {
        tls_client_certificate_bound_access_tokens: server.tls_client_certificate_bound_access_tokens,
      }),
    })

    const tokens = await signIn(op, { resource })
    expect(claimsOf(tokens.access_token).aud).toBe(resource)
    const said = await op.fetch(resource, { headers: { authorization: `Bearer ${tokens.access_token}` } })
    expect(((await said.json()) as Json).sub).toBe('user-alice')
  })

async function signIn(op: Provider, more: Record<string, string>): Promise<Json> {
  const { url, code_verifier } = authorizationUrl(op.issuer, demo, more)
  const code = (await person(op.issuer, op.fetch).goThrough(url)).searchParams.get('code')!
  const fields = { grant_type: 'authorization_code', code, code_verifier, redirect_uri: demo.redirect_uri }
  return (await (await op.fetch(`${op.issuer}/token`, formPost(demo, fields))).json()) as Json
}

test('a token for a neighbour is refused, with a pointer to the right ones', async () => {
  const op = await provider()
  for (const resource of [
    'https://api.example/',
    `${op.issuer}/userinfo/`,
    `${op.issuer}/userinfo2`,
    `${op.issuer}/token`,
    'http://localhost:5001/userinfo',
  ]) {
    const { access_token } = await signIn(op, { resource })
    const refused = await op.fetch('/userinfo', { headers: { authorization: `Bearer ${access_token}` } })
    expect(refused.status, resource).toBe(401)
    expect(refused.headers.get('www-authenticate')).toContain('error="invalid_token"')
    expect(metadataUrls(refused.headers)).not.toEqual([])
  }
})

test('every refusal of the resource points to it, those of other endpoints do not', async () => {
  const op = await provider()
  const { access_token } = await signIn(op, { scope: 'profile' })
  const narrow = await op.fetch('/userinfo', { headers: { authorization: `Bearer ${access_token}` } })
  expect(narrow.status).toBe(403)
  expect(metadataUrls(narrow.headers)).not.toEqual([])
  const token = await op.fetch('/token', formPost({ ...demo, client_secret: 'wrong' }, {}))
  expect(token.headers.get('www-authenticate')).not.toContain('resource_metadata')
})

test('the whole provider under its own name, and nothing that is no resource', async () => {
  const op = await provider()
  const { body } = await read(op, '/.well-known/oauth-protected-resource')
  expect(body).toMatchObject({ resource: op.issuer, authorization_servers: [op.issuer] })
  for (const path of ['/token', '/userinfo/', '/nothing', '/%2e%2e/userinfo', '/'])
    expect((await read(op, `${op.issuer}/.well-known/oauth-protected-resource${path}`)).status, path).toBe(
      404,
    )
})

test('a bound token without its proof, or without a nonce, is told where to look too', async () => {
  const op = await provider({ env: { DPOP_REQUIRE_NONCE: 'true' } })
  const { privateKey, publicKey } = await generateKeyPair('ES256', { extractable: true })
  const jwk = await exportJWK(publicKey)
  const proof = (path: string, more: Json = {}) =>
    new SignJWT({ htm: path === '/token' ? 'POST' : 'GET', htu: `${op.issuer}${path}`, ...more })
      .setProtectedHeader({ typ: 'dpop+jwt', alg: 'ES256', jwk })
      .setJti(op.context.random(12))
      .setIssuedAt(Math.floor(op.clock.now() / 1000))
      .sign(privateKey)
  const { url, code_verifier } = authorizationUrl(op.issuer, demo, { scope: 'openid' })
  const code = (await person(op.issuer, op.fetch).goThrough(url)).searchParams.get('code')!
  const fields = { grant_type: 'authorization_code', code, code_verifier, redirect_uri: demo.redirect_uri }
  const ask = async (more: Json) =>
    op.fetch('/token', formPost(demo, fields, { dpop: await proof('/token', more) }))
  const first = await ask({})
  expect([first.status, first.headers.get('www-authenticate')]).toEqual([400, null])
  const nonce = first.headers.get('dpop-nonce')!
  const { access_token } = (await (await ask({ nonce })).json()) as Json
  const ath = sha256(String(access_token))
  const authorization = `DPoP ${access_token}`
  const proofs: Record<string, string>[] = [
    {},
    { dpop: await proof('/userinfo', { ath }) },
    { dpop: await proof('/userinfo', { ath: 'x', nonce }) },
  ]
  for (const dpop of proofs) {
    const refused = await op.fetch('/userinfo', { headers: { authorization, ...dpop } })
    expect(refused.status).toBe(401)
    expect(metadataUrls(refused.headers)).toEqual([
      `${op.issuer}/.well-known/oauth-protected-resource/userinfo`,
    ])
  }
  const good = await op.fetch('/userinfo', {
    headers: { authorization, dpop: await proof('/userinfo', { ath, nonce }) },
  })
  expect(good.status).toBe(200)
})
