/** Discovery advertises exactly what is served: each profile's document is walked, member by member. https://www.rfc-editor.org/rfc/rfc8414 */
import { describe, expect, setDefaultTimeout, test } from 'bun:test'
import { type CryptoKey, exportJWK, generateKeyPair, type JWTPayload, SignJWT } from 'jose'
import { sha256 as hash } from '../../src/lib/hash.ts'
import { systemRandom } from '../../src/lib/random.ts'
import { Client, makeClient } from '../../src/models/client.ts'
import { Session } from '../../src/models/session.ts'
import { authorizationUrl, claimsOf, headerOf, type Json } from '../support/client.ts'
import { alice, type Landing, type Person, person } from '../support/person.ts'
import { type Provider, provider } from '../support/provider.ts'

setDefaultTimeout(60_000)

const redirect_uri = 'https://app.example/cb'
const tokenExchange = 'urn:ietf:params:oauth:grant-type:token-exchange'

/** Everything that any profile, or any specification, has for these members; what is not advertised must be refused. */
const known = {
  response_types: [
    'code',
    'id_token',
    'id_token token',
    'code id_token',
    'code token',
    'code id_token token',
    'token',
    'none',
  ],
  response_modes: [
    'query',
    'fragment',
    'form_post',
    'query.jwt',
    'fragment.jwt',
    'form_post.jwt',
    'jwt',
    'web_message',
  ],
  grant_types: [
    'authorization_code',
    'refresh_token',
    'client_credentials',
    'password',
    tokenExchange,
    'urn:ietf:params:oauth:grant-type:device_code',
    'urn:ietf:params:oauth:grant-type:jwt-bearer',
    'urn:ietf:params:oauth:grant-type:saml2-bearer',
    'urn:openid:params:grant-type:ciba',
  ],
  algs: ['RS256', 'PS256', 'ES256', 'EdDSA'],
  authMethods: [
    'client_secret_basic',
    'client_secret_post',
    'client_secret_jwt',
    'private_key_jwt',
    'none',
    'tls_client_auth',
    'self_signed_tls_client_auth',
  ],
  dpopAlgs: ['ES256', 'ES384', 'ES512', 'PS256', 'PS384', 'PS512', 'RS256', 'Ed25519', 'EdDSA'],
}

const keyPairs = new Map<string, { privateKey: CryptoKey; jwk: Json }>()
for (const alg of known.dpopAlgs) {
  const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true })
  keyPairs.set(alg, { privateKey, jwk: { ...(await exportJWK(publicKey)), kid: alg } })
}
const jwks = {
  keys: ['RS256', 'PS256', 'ES256', 'EdDSA', 'Ed25519'].map((alg) => ({ ...keyPairs.get(alg)!.jwk, alg })),
} as Client['jwks'] & object

interface Stage {
  op: Provider
  metadata: Json
  words(name: string): string[]
  /** A registered client that may do everything unless `more` says otherwise. */
  client(more?: Json): Promise<string>
  sign(alg: string, header: Json, payload: JWTPayload): Promise<string>
  /** POST as the client: `private_key_jwt` by PS256, and a DPoP proof, both of which every profile takes. */
  post(
    path: string,
    client_id: string,
    fields: Record<string, string>,
  ): Promise<{ status: number; body: Json }>
  /** The URL to send the person to; pushed where that is a duty. */
  request(client_id: string, more?: Record<string, string | undefined>): Promise<Asked>
  alice: Person
}
interface Asked {
  url: string
  code_verifier: string
  /** What a push was refused with. */
  error?: string
}

async function stage(PROFILE: string, env: Record<string, string> = {}): Promise<Stage> {
  const op = await provider({ env: { PROFILE, ...env } })
  const metadata = (await (await op.fetch('/.well-known/openid-configuration')).json()) as Json
  const now = () => Math.floor(op.clock.now() / 1000)
  const sign: Stage['sign'] = (alg, header, payload) =>
    new SignJWT({ iat: now(), exp: now() + 60, jti: systemRandom(12), ...payload })
      .setProtectedHeader({ alg, kid: alg, ...header })
      .sign(keyPairs.get(alg)!.privateKey)
  const post: Stage['post'] = async (path, client_id, fields) => {
    const dpop = { htm: 'POST', htu: `${op.issuer}${path}` }
    const body = new URLSearchParams({
      client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
      client_assertion: await sign('PS256', {}, { iss: client_id, sub: client_id, aud: op.issuer }),
      ...fields,
    })
    const answer = await op.fetch(path, {
      method: 'POST',
      body: body.toString(),
      headers: {
        'content-type': 'application/x-www-form-urlencoded',
        dpop: await sign('ES256', { typ: 'dpop+jwt', jwk: keyPairs.get('ES256')!.jwk }, dpop),
      },
    })
    return { status: answer.status, body: (await answer.json()) as Json }
  }
  const self: Stage = {
    op,
    metadata,
    words: (name) => (metadata[name] ?? []) as string[],
    async client(more = {}) {
      const client_id = systemRandom(9)
      const { client } = makeClient(op.context, {
        client_id,
        redirect_uris: [redirect_uri],
        grant_types: [...known.grant_types, 'implicit'],
        response_types: [...known.response_types],
        token_endpoint_auth_method: 'private_key_jwt',
        id_token_signed_response_alg: 'PS256',
        scope:
          'openid profile email address phone offline_access data_export account_delete roles groups made_up',
        first_party: true,
        jwks,
        ...more,
      })
      expect(await Client.create(op.context, client)).toBe(true)
      return client_id
    },
    sign,
    post,
    async request(client_id, more = {}) {
      const { url, code_verifier, params } = authorizationUrl(op.issuer, { client_id, redirect_uri }, more)
      if (metadata.require_pushed_authorization_requests !== true) return { url, code_verifier }
      const given = Object.entries(params).filter((each): each is [string, string] => each[1] !== undefined)
      const { body } = await post('/par', client_id, Object.fromEntries(given))
      const query = new URLSearchParams({ client_id, request_uri: String(body.request_uri) })
      return {
        url: `${op.issuer}/authorize?${query}`,
        code_verifier,
        ...(body.error !== undefined && { error: String(body.error) }),
      }
    },
    alice: person(op.issuer, op.fetch),
  }
  // Signed in once; from here on /authorize answers at once, for a client of the house.
  const { url } = await self.request(await self.client())
  await self.alice.goThrough(url, alice)
  return self
}

/** The answer that reached the client, and by which way. */
function answerOf({ location, page }: Landing): { mode: string; params: Record<string, string> } {
  const form = page?.forms.find((each) => each.action === redirect_uri)
  const [way, params] = form
    ? ['form_post', form.fields]
    : location?.hash
      ? ['fragment', Object.fromEntries(new URLSearchParams(location.hash.slice(1)))]
      : ['query', Object.fromEntries(location?.searchParams ?? [])]
  if (params.response === undefined) return { mode: way, params }
  return { mode: `${way}.jwt`, params: claimsOf(params.response) as Record<string, string> }
}

async function authorize(
  { request, alice }: Stage,
  client_id: string,
  more: Record<string, string | undefined>,
) {
  const asked = await request(client_id, more)
  if (asked.error !== undefined)
    return { ...asked, mode: '', params: { error: asked.error } as Record<string, string>, page: undefined }
  const landing = await alice.open(asked.url)
  return { ...asked, ...answerOf(landing), page: landing.page }
}

async function tokensFor(at: Stage, client_id: string, more: Record<string, string> = {}) {
  const { params, code_verifier } = await authorize(at, client_id, more)
  return at.post('/token', client_id, {
    grant_type: 'authorization_code',
    code: params.code!,
    redirect_uri,
    code_verifier,
  })
}

const register = async ({ op }: Stage, metadata: Json) => {
  const answer = await op.fetch('/register', {
    method: 'POST',
    body: JSON.stringify({
      redirect_uris: [redirect_uri],
      jwks,
      token_endpoint_auth_method: 'private_key_jwt',
      ...metadata,
    }),
    headers: { 'content-type': 'application/json' },
  })
  return { status: answer.status, body: (await answer.json()) as Json }
}

const profiles = ['oauth21', 'classic', 'fapi2', 'mcp']
const stages = new Map(await Promise.all(profiles.map(async (each) => [each, await stage(each)] as const)))
const urlsIn = (metadata: Json) =>
  Object.entries(metadata).filter(
    (each): each is [string, string] =>
      typeof each[1] === 'string' && /_endpoint$|^jwks_uri$|_iframe$|^service_documentation$/.test(each[0]),
  )
/** Where any profile has an endpoint. */
const places = new Map([...stages.values()].flatMap(({ metadata }) => urlsIn(metadata)))

for (const [profile, at] of stages)
  describe(`PROFILE=${profile}`, () => {
    test('both well-known addresses say the same, and name their issuer', async () => {
      const other = await (await at.op.fetch('/.well-known/oauth-authorization-server')).json()
      expect(other as Json).toEqual(at.metadata)
      expect(at.metadata.issuer).toBe(at.op.issuer)
      for (const [name, value] of Object.entries(at.metadata))
        if (Array.isArray(value)) {
          expect([name, value.length > 0, new Set(value).size]).toEqual([name, true, value.length])
        }
    })

    test('every endpoint answers, and those of other profiles do not', async () => {
      for (const [name, url] of places) {
        const statuses = await Promise.all(
          ['GET', 'POST'].map(async (method) => (await at.op.fetch(url, { method })).status),
        )
        const served = statuses.some((status) => status !== 404 && status !== 405 && status < 500)
        expect([name, served]).toEqual([name, at.metadata[name] !== undefined])
      }
    })

    test('response types: those advertised answer with what they name, others with an error', async () => {
      const client_id = await at.client()
      const advertised = at.words('response_types_supported')
      expect(known.response_types).toEqual(expect.arrayContaining(advertised))
      for (const response_type of known.response_types) {
        const { params } = await authorize(at, client_id, { response_type })
        const parts = ['code', 'id_token', 'access_token'].filter((each) => params[each] !== undefined)
        const named = response_type.split(' ').map((each) => (each === 'token' ? 'access_token' : each))
        // IMPLICIT_AND_HYBRID=by_client: an operator registered this client so; none may register itself so.
        const byOperator = profile === 'oauth21' && !['token', 'none'].includes(response_type)
        if (advertised.includes(response_type) || byOperator)
          expect([response_type, ...parts.toSorted()]).toEqual([response_type, ...named.toSorted()])
        else expect([response_type, params.error]).toEqual([response_type, 'unsupported_response_type'])
        const self = await register(at, {
          response_types: [response_type],
          grant_types: ['authorization_code', ...(profile === 'classic' ? ['implicit'] : [])],
          id_token_signed_response_alg: 'PS256',
        })
        expect([response_type, self.status]).toEqual([
          response_type,
          advertised.includes(response_type) ? 201 : 400,
        ])
      }
    })

    test('response modes', async () => {
      const client_id = await at.client({ authorization_signed_response_alg: 'PS256' })
      const advertised = at.words('response_modes_supported')
      expect(known.response_modes).toEqual(expect.arrayContaining(advertised))
      for (const response_mode of known.response_modes) {
        const { mode, params } = await authorize(at, client_id, { response_mode })
        if (advertised.includes(response_mode)) {
          expect([response_mode, mode]).toEqual([
            response_mode,
            response_mode === 'jwt' ? 'query.jwt' : response_mode,
          ])
          expect(params.code).toBeString()
          // RFC 9207; in JARM it is the claim.
          expect(params.iss).toBe(at.op.issuer)
        } else expect([response_mode, params.error]).toEqual([response_mode, 'invalid_request'])
      }
    })

    test('grant types', async () => {
      const client_id = await at.client()
      const advertised = at.words('grant_types_supported').filter((each) => each !== 'implicit')
      expect(known.grant_types).toEqual(expect.arrayContaining(advertised))
      for (const grant_type of known.grant_types) {
        const { body } = await at.post('/token', client_id, { grant_type })
        const isServed = body.error !== 'unsupported_grant_type'
        // Where registration leaves out what a client may not have, discovery lists what it may have alone.
        if (profile === 'mcp' && !advertised.includes(grant_type)) continue
        expect([grant_type, isServed]).toEqual([grant_type, advertised.includes(grant_type)])
      }
      if (profile === 'mcp') expect(advertised).toEqual(['authorization_code', 'refresh_token'])
      expect(at.words('grant_types_supported').includes('implicit')).toBe(
        at.words('response_types_supported').includes('id_token'),
      )
    })

    test('client authentication: methods and algorithms', async () => {
      const advertised = at.words('token_endpoint_auth_methods_supported')
      expect(known.authMethods).toEqual(expect.arrayContaining(advertised))
      for (const method of known.authMethods) {
        const { status } = await register(at, {
          token_endpoint_auth_method: method,
          id_token_signed_response_alg: 'PS256',
          ...(method === 'tls_client_auth' && { tls_client_auth_subject_dn: 'CN=app' }),
        })
        expect([method, status]).toEqual([method, advertised.includes(method) ? 201 : 400])
      }
      const algs = at.words('token_endpoint_auth_signing_alg_values_supported')
      const client_id = await at.client()
      for (const alg of [...known.algs, 'Ed25519']) {
        const client_assertion = await at.sign(alg, {}, { iss: client_id, sub: client_id, aud: at.op.issuer })
        const { status } = await at.post('/token', client_id, {
          grant_type: 'client_credentials',
          client_assertion,
        })
        expect([alg, status]).toEqual([alg, algs.includes(alg) ? 200 : 401])
      }
      expect(algs.includes('HS256')).toBe(advertised.includes('client_secret_jwt'))
    })

    test('ID Tokens and signed answers: a client gets the algorithm it registered, of those advertised', async () => {
      for (const [member, supported] of [
        ['id_token_signed_response_alg', 'id_token_signing_alg_values_supported'],
        ['authorization_signed_response_alg', 'authorization_signing_alg_values_supported'],
      ] as const)
        for (const alg of known.algs) {
          const offered = at.words(supported).includes(alg)
          const { status } = await register(at, { id_token_signed_response_alg: 'PS256', [member]: alg })
          expect([member, alg, status]).toEqual([member, alg, offered ? 201 : 400])
        }
      for (const alg of at.words('id_token_signing_alg_values_supported')) {
        const { body } = await tokensFor(at, await at.client({ id_token_signed_response_alg: alg }))
        expect(headerOf(body.id_token).alg).toBe(alg)
      }
      for (const alg of at.words('authorization_signing_alg_values_supported')) {
        const client_id = await at.client({ authorization_signed_response_alg: alg })
        const { url } = await at.request(client_id, { response_mode: 'jwt' })
        const { location } = await at.alice.open(url)
        expect(headerOf(location!.searchParams.get('response')).alg).toBe(alg)
      }
    })

    test('request objects, by value: the algorithms advertised and no other', async () => {
      const client_id = await at.client()
      expect(at.metadata.request_parameter_supported).toBe(true)
      const unsigned = await at.client({ request_object_signing_alg: 'none' })
      const nbf = Math.floor(at.op.clock.now() / 1000)
      const encoded = (value: Json) => Buffer.from(JSON.stringify(value)).toString('base64url')
      for (const alg of [...known.algs, 'Ed25519', 'none']) {
        const sender = alg === 'none' ? unsigned : client_id
        const { params: inside } = authorizationUrl(at.op.issuer, { client_id: sender, redirect_uri })
        const payload = { ...inside, iss: sender, aud: at.op.issuer, nbf }
        const request =
          alg === 'none'
            ? `${encoded({ alg })}.${encoded(payload)}.`
            : await at.sign(alg, { typ: 'oauth-authz-req+jwt' }, payload)
        const bare = Object.fromEntries(Object.keys(inside).map((name) => [name, undefined]))
        const { params } = await authorize(at, sender, {
          ...bare,
          client_id: sender,
          redirect_uri,
          request,
        })
        // An operator registered this client for it; it is advertised where anybody may.
        const byOperator = alg === 'none' && profile !== 'fapi2'
        const taken = byOperator || at.words('request_object_signing_alg_values_supported').includes(alg)
        expect([alg, params.error ?? 'code', params.code !== undefined]).toEqual([
          alg,
          taken ? 'code' : 'invalid_request_object',
          taken,
        ])
      }
    })

    test('DPoP proofs', async () => {
      const client_id = await at.client()
      const client = () => at.sign('PS256', {}, { iss: client_id, sub: client_id, aud: at.op.issuer })
      for (const alg of known.dpopAlgs) {
        const { kid: _, ...jwk } = keyPairs.get(alg)!.jwk
        const body = new URLSearchParams({
          grant_type: 'client_credentials',
          client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
          client_assertion: await client(),
        })
        const answer = await at.op.fetch('/token', {
          method: 'POST',
          body: body.toString(),
          headers: {
            'content-type': 'application/x-www-form-urlencoded',
            dpop: await at.sign(alg, { typ: 'dpop+jwt', jwk }, { htm: 'POST', htu: `${at.op.issuer}/token` }),
          },
        })
        const taken = at.words('dpop_signing_alg_values_supported').includes(alg)
        expect([alg, answer.status]).toEqual([alg, taken ? 200 : 400])
      }
    })

    test('PKCE methods', async () => {
      const client_id = await at.client()
      for (const code_challenge_method of ['S256', 'plain', 'S512']) {
        const { params } = await authorize(at, client_id, { code_challenge_method })
        const taken = at.words('code_challenge_methods_supported').includes(code_challenge_method)
        expect([code_challenge_method, params.error]).toEqual([
          code_challenge_method,
          taken ? undefined : 'invalid_request',
        ])
      }
    })

    test('prompt values', async () => {
      const client_id = await at.client()
      for (const prompt of ['none', 'login', 'consent', 'select_account', 'create']) {
        const { params, page } = await authorize(at, client_id, { prompt })
        if (!at.words('prompt_values_supported').includes(prompt))
          expect([prompt, params.error]).toEqual([prompt, 'invalid_request'])
        else if (prompt === 'none') expect(params.code).toBeString()
        else {
          const path = prompt === 'create' ? '/register_account' : `/${prompt}`
          expect([prompt, new URL(page!.url).pathname, page!.status]).toEqual([prompt, path, 200])
        }
      }
    })

    test('scopes and claims: all that are advertised are granted and told, another is refused', async () => {
      const client_id = await at.client()
      const scopes = at.words('scopes_supported')
      const { body } = await tokensFor(at, client_id, { scope: scopes.join(' '), prompt: 'none' })
      expect(String(body.scope).split(' ').toSorted()).toEqual(scopes.toSorted())
      const odd = await authorize(at, client_id, { scope: 'openid made_up' })
      if (at.op.context.config.unknownScopes === 'refuse') expect(odd.params.error).toBe('invalid_scope')
      else expect([odd.params.error, typeof odd.params.code]).toEqual([undefined, 'string'])
      const proof = { htm: 'GET', htu: `${at.op.issuer}/userinfo`, ath: hash(String(body.access_token)) }
      const info = await at.op.fetch('/userinfo', {
        headers: {
          authorization: `DPoP ${String(body.access_token)}`,
          dpop: await at.sign('ES256', { typ: 'dpop+jwt', jwk: keyPairs.get('ES256')!.jwk }, proof),
        },
      })
      const claims = (await info.json()) as Json
      expect(claims.email).toBe('alice@example.com')
      expect(at.words('claims_supported')).toEqual(expect.arrayContaining(Object.keys(claims)))
    })

    test('the claims parameter, acr values, displays and locales', async () => {
      const client_id = await at.client()
      expect(at.metadata.claims_parameter_supported).toBe(true)
      for (const acr of at.words('acr_values_supported')) {
        // How a sign-in gets there is told in step_up.test.ts.
        for (const { sid } of await Session.listOfUser(at.op.context, 'user-alice'))
          await Session.update(at.op.context, sid, (session) => ({ ...session, acr }))
        const { body } = await tokensFor(at, client_id, {
          claims: JSON.stringify({ id_token: { email: null, acr: { essential: true, value: acr } } }),
        })
        expect(claimsOf(body.id_token)).toMatchObject({ email: 'alice@example.com', acr })
      }
      const unreachable = JSON.stringify({ id_token: { acr: { essential: true, value: 'urn:made:up' } } })
      const refused = await authorize(at, client_id, { claims: unreachable })
      expect(refused.params.error).toBe('unmet_authentication_requirements')
      for (const display of at.words('display_values_supported'))
        for (const ui_locales of at.words('ui_locales_supported'))
          expect((await authorize(at, client_id, { display, ui_locales })).params.code).toBeString()
    })

    test('subject types: public is who it is, pairwise is somebody to each sector', async () => {
      for (const subject_type of at.words('subject_types_supported')) {
        const { body } = await tokensFor(at, await at.client({ subject_type }))
        expect([subject_type, claimsOf(body.id_token).sub === 'user-alice']).toEqual([
          subject_type,
          subject_type === 'public',
        ])
      }
      const { status } = await register(at, {
        subject_type: 'made_up',
        id_token_signed_response_alg: 'PS256',
      })
      expect(status).toBe(400)
    })
  })
