/** Userinfo and introspection as signed JWTs. OpenID Connect Core §5.3.2, https://www.rfc-editor.org/rfc/rfc9701 */
import { describe, expect, test } from 'bun:test'
import { createLocalJWKSet, type JSONWebKeySet, jwtVerify } from 'jose'
import { signingAlgs } from '../../src/auth/registration.ts'
import { authorizationUrl, demo, headerOf, type Json, type TestClient } from '../support/client.ts'
import { bearer, browser, operatorClient, post, read, tokensOf } from '../support/flow.ts'
import { type Provider, provider } from '../support/provider.ts'

const introspectionJwt = 'application/token-introspection+jwt'

async function verified(op: Provider, jwt: string, client: TestClient, typ: string): Promise<Json> {
  const keys = (await (await op.fetch('/jwks.json')).json()) as JSONWebKeySet
  const options = {
    issuer: op.issuer,
    audience: client.client_id,
    typ,
    currentDate: new Date(op.clock.now()),
  }
  return (await jwtVerify(jwt, createLocalJWKSet(keys), options)).payload
}

describe('userinfo', () => {
  test.each([...signingAlgs])('with %s: iss, aud and sub', async (alg) => {
    const op = await provider()
    const client = await operatorClient(op, { client_id: 'rp', userinfo_signed_response_alg: alg })
    const { access_token } = await tokensOf(op, browser(op), client)
    const { headers, text } = await read(await op.fetch('/userinfo', bearer(access_token)))
    expect(headers.get('content-type')).toBe('application/jwt')
    expect(headers.get('cache-control')).toBe('no-store')
    expect(headerOf(text).alg).toBe(alg)
    expect(await verified(op, text, client, 'JWT')).toMatchObject({ email: 'alice@example.com' })
  })

  test('JSON for whoever registered nothing; errors are never a JWT', async () => {
    const op = await provider()
    const { access_token } = await tokensOf(op, browser(op))
    const answer = await read(await op.fetch('/userinfo', bearer(access_token)))
    expect(answer.body).toMatchObject({ email: 'alice@example.com' })
    const refused = await op.fetch('/userinfo', bearer('nonsense'))
    expect([refused.status, refused.headers.get('content-type')]).toEqual([401, 'application/json'])
  })

  test('is no ID Token: neither a hint nor an access token', async () => {
    const op = await provider()
    const client = await operatorClient(op, { client_id: 'rp', userinfo_signed_response_alg: 'ES256' })
    const who = browser(op)
    const { access_token, id_token } = await tokensOf(op, who, client)
    const { text } = await read(await op.fetch('/userinfo', bearer(access_token)))
    const ask = async (id_token_hint: string) => {
      const more = { id_token_hint, prompt: 'none' }
      return (await who.open(authorizationUrl(op.issuer, client, more).url)).location!.searchParams
    }
    expect((await ask(text)).get('error')).toBe('invalid_request')
    expect((await ask(id_token)).get('code')).not.toBeNull()
    expect((await op.fetch('/userinfo', bearer(text))).status).toBe(401)
  })
})

describe('introspection', () => {
  async function introspected(accept: string | undefined, metadata: Json = {}) {
    const op = await provider()
    const client = await operatorClient(op, { client_id: 'api', ...metadata })
    const { access_token } = await tokensOf(op, browser(op), client)
    const headers: Record<string, string> = accept === undefined ? {} : { accept }
    return { op, client, answer: await post(op, '/introspect', client, { token: access_token }, headers) }
  }

  test.each([
    introspectionJwt,
    `application/json;q=0.5, ${introspectionJwt}; q=0.9`,
    'Application/Token-Introspection+JWT',
  ])('for whom asks: Accept: %s', async (accept) => {
    const { op, client, answer } = await introspected(accept)
    expect(answer.headers.get('content-type')).toBe(introspectionJwt)
    expect(headerOf(answer.text)).toMatchObject({ alg: 'RS256', typ: 'token-introspection+jwt' })
    const claims = await verified(op, answer.text, client, 'token-introspection+jwt')
    expect(Object.keys(claims).toSorted()).toEqual(['aud', 'iat', 'iss', 'token_introspection'])
    expect(claims.token_introspection).toMatchObject({
      active: true,
      client_id: 'api',
      exp: expect.any(Number),
    })
  })

  test.each([undefined, '*/*', 'application/json', `${introspectionJwt};q=0`, `${introspectionJwt}x`])(
    'JSON otherwise: Accept: %s',
    async (accept) => {
      const { answer } = await introspected(accept)
      expect(answer.body).toMatchObject({ active: true })
    },
  )

  test('for whom registered, with that algorithm, whatever Accept says', async () => {
    for (const accept of [undefined, 'application/json']) {
      const { answer } = await introspected(accept, { introspection_signed_response_alg: 'EdDSA' })
      expect(headerOf(answer.text).alg).toBe('EdDSA')
    }
  })

  test('a token that is none, and one of somebody else: inactive, and signed too', async () => {
    const { op, client } = await introspected(undefined)
    const foreign = await tokensOf(op, browser(op), demo)
    for (const token of ['nonsense', foreign.access_token]) {
      const { text } = await post(op, '/introspect', client, { token }, { accept: introspectionJwt })
      const claims = await verified(op, text, client, 'token-introspection+jwt')
      expect(claims.token_introspection).toEqual({ active: false })
    }
  })

  test('the response is no access token, and not another API’s', async () => {
    const { op, answer } = await introspected(introspectionJwt)
    expect((await op.fetch('/userinfo', bearer(answer.text))).status).toBe(401)
    const again = await post(op, '/introspect', demo, { token: answer.text })
    expect(again.body).toEqual({ active: false })
    await expect(verified(op, answer.text, demo, 'token-introspection+jwt')).rejects.toThrow(/aud/)
  })
})

test('an algorithm this provider does not sign with is refused at registration; discovery names the others', async () => {
  const op = await provider({ env: { SIGNING_ALGS: 'ES256 PS256', ACCESS_TOKEN_ALG: 'ES256' } })
  const { body } = await read(await op.fetch('/.well-known/openid-configuration'))
  expect(body.userinfo_signing_alg_values_supported).toEqual(op.context.config.signingAlgs)
  expect(body.introspection_signing_alg_values_supported).toEqual(op.context.config.signingAlgs)
  for (const name of ['userinfo_signed_response_alg', 'introspection_signed_response_alg'])
    for (const [alg, status] of [
      ['RS256', op.context.config.signingAlgs.includes('RS256') ? 201 : 400],
      ['none', 400],
      ['HS256', 400],
      ['ES256', 201],
    ] as const) {
      const answer = await op.fetch('/register', {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ redirect_uris: ['https://rp.example/cb'], [name]: alg }),
      })
      expect([name, alg, answer.status]).toEqual([name, alg, status])
    }
})
