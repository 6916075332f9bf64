/** Issue 8, lines 77 and 30: resource is one URI in ASCII, and challenges are complete. https://www.rfc-editor.org/rfc/rfc8707#section-2 */
import { describe, expect, test } from 'bun:test'
import { authorizationUrl, claimsOf, demo, formPost, type Json } from '../support/client.ts'
import {
  authorize,
  bearer,
  browser,
  introspect,
  operatorClient,
  post,
  redeem,
  tokensOf,
} from '../support/flow.ts'
import { type Provider, provider } from '../support/provider.ts'

const [bare, slash] = ['https://bare.example', 'https://slash.example/']
const RESOURCES = `${bare} ${slash} https://api.example/a https://api.example/b`

const errorOf = async (op: Provider, resource: string) => {
  const answer = await op.fetch(authorizationUrl(op.issuer, demo, { resource }).url)
  return new URL(answer.headers.get('location')!, op.issuer).searchParams.get('error')
}

test('a resource with a space or beyond ASCII is refused, at both endpoints', async () => {
  const op = await provider({ env: { RESOURCES } })
  const any = await operatorClient(op, {
    client_id: 'any',
    grant_types: ['client_credentials'],
    allowed_resources: ['*'],
  })
  for (const resource of [
    'https://api.example/a https://api.example/b',
    ' https://api.example/a',
    'https://api.example/a ',
    ' ',
    'https://api.example/\t',
    'https://api.example/a\u00a0',
    'https://api.example/ä',
    'https://äpi.example/',
    'https://api.example/\u0007',
  ]) {
    expect([resource, await errorOf(op, resource)]).toEqual([resource, 'invalid_target'])
    const { body } = await post(op, '/token', any, { grant_type: 'client_credentials', resource })
    expect([resource, body.error]).toEqual([resource, 'invalid_target'])
  }
  expect(await errorOf(op, 'https://api.example/a')).toBeNull()
})

test('a resource that comes twice is two', async () => {
  const op = await provider({ env: { RESOURCES } })
  const client = await operatorClient(op, { client_id: 'service', grant_types: ['client_credentials'] })
  const init = formPost(client, { grant_type: 'client_credentials', resource: 'https://api.example/a' })
  const more = `${String(init.body)}&resource=${encodeURIComponent('https://api.example/b')}`
  const { access_token } = (await (await op.fetch('/token', { ...init, body: more })).json()) as Json
  expect(claimsOf(access_token).aud).toEqual(['https://api.example/a', 'https://api.example/b'])
})

describe('with and without the slash of an empty path it is one resource', () => {
  test.each([
    [`${bare}/`, bare],
    [bare, bare],
    ['https://slash.example', slash],
    ['HTTPS://Slash.example/', slash],
    [`${bare}/\n${bare}`, bare],
  ])('%s: aud is as the operator wrote it', async (resource, aud) => {
    const op = await provider({ env: { RESOURCES } })
    const authorized = await authorize(op, browser(op), demo, { resource })
    const { body } = await redeem(op, demo, authorized, { resource: `${aud.replace(/\/$/, '')}/` })
    expect(claimsOf(body.access_token).aud).toBe(aud)
  })

  test('a consent for one is a consent for the other, and another path is another', async () => {
    const op = await provider({ env: { RESOURCES } })
    const alice = browser(op)
    await authorize(op, alice, demo, { resource: bare })
    const { url } = authorizationUrl(op.issuer, demo, { resource: `${bare}/`, prompt: 'none' })
    const { location } = await alice.open(url)
    expect(location!.searchParams.get('error')).toBeNull()
    for (const other of [
      `${bare}/x`,
      'https://api.example/a/',
      'https://api.example/',
      `https://user@bare.example`,
    ])
      expect([other, await errorOf(op, other)]).toEqual([other, 'invalid_target'])
  })

  test('an API that is tied to one learns of tokens for it; the issuer takes its own', async () => {
    const op = await provider({ env: { RESOURCES } })
    const api = await operatorClient(op, { client_id: 'api', grant_types: [], resource_uris: [`${bare}/`] })
    const { access_token } = await tokensOf(op, browser(op), demo, { resource: bare })
    expect((await introspect(op, access_token, api)).active).toBe(true)
    const own = await tokensOf(op, browser(op), demo, { resource: `${op.issuer}/` })
    expect((await op.fetch('/userinfo', bearer(own.access_token))).status).toBe(200)
  })
})

describe('challenges', () => {
  const challengeOf = (answer: Response) => answer.headers.get('www-authenticate') ?? ''

  test('a token in two places, or twice in the body: invalid_request, and where the metadata is', async () => {
    const op = await provider()
    const { access_token } = await tokensOf(op, browser(op))
    const ask = (body: string, headers: Record<string, string> = {}) =>
      op.fetch('/userinfo', {
        method: 'POST',
        body,
        headers: { 'content-type': 'application/x-www-form-urlencoded', ...headers },
      })
    for (const answer of [
      await ask(`access_token=${access_token}`, { authorization: `Bearer ${access_token}` }),
      await ask(`access_token=${access_token}&access_token=x`),
    ]) {
      expect(answer.status).toBe(400)
      expect(challengeOf(answer)).toStartWith('Bearer realm=')
      expect(challengeOf(answer)).toContain('error="invalid_request"')
      expect(challengeOf(answer)).toContain('resource_metadata=')
    }
  })

  test('a token without the scope: which scope it needs', async () => {
    const op = await provider()
    const { access_token } = await tokensOf(op, browser(op), demo, { scope: 'profile' })
    const answer = await op.fetch('/userinfo', bearer(access_token))
    expect(answer.status).toBe(403)
    expect(challengeOf(answer)).toContain('error="insufficient_scope"')
    expect(challengeOf(answer)).toContain('scope="openid"')
  })

  test('a token without the certificate that it is bound to: where the metadata is', async () => {
    const op = await provider({ env: { MUTUAL_TLS: 'true', TRUSTED_PROXIES: '127.0.0.1' } })
    const { AccessToken } = await import('../../src/models/access_token.ts')
    const now = Math.floor(op.clock.now() / 1000)
    const token = `lka_${'-'.repeat(20)}${'x'.repeat(44)}`
    const claims = {
      client_id: demo.client_id,
      sub: 'x',
      scope: 'openid',
      aud: op.issuer,
      iat: now,
      exp: now + 60,
    }
    await AccessToken.put(op.context, token, { ...claims, cnf: { 'x5t#S256': 'y' } } as typeof claims)
    const answer = await op.fetch('/userinfo', bearer(token))
    expect(answer.status).toBe(401)
    expect(challengeOf(answer)).toContain('error="invalid_token"')
    expect(challengeOf(answer)).toContain('resource_metadata=')
  })

  test('the metadata names the resource', async () => {
    const op = await provider()
    for (const [path, name] of [
      ['', 'Latchkey'],
      ['/userinfo', 'Latchkey: userinfo'],
    ]) {
      const answer = await op.fetch(`${op.issuer}/.well-known/oauth-protected-resource${path}`)
      expect(((await answer.json()) as Json).resource_name).toBe(name)
    }
  })
})
