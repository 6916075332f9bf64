/** What one realm issued, presented to another realm and to the server, and the other way round: each is as unknown as one that was made up. */
import { beforeAll, describe, expect, test } from 'bun:test'
import { channel } from 'node:diagnostics_channel'
import { type CryptoKey, exportJWK, generateKeyPair, SignJWT } from 'jose'
import { adminScopes } from '../../src/auth/admin_roles.ts'
import { currentNonce, isGoodNonce } from '../../src/features/dpop/nonce.ts'
import { cookieName } from '../../src/http/cookie.ts'
import { InitialAccessToken } from '../../src/models/initial_access_token.ts'
import { OneTime } from '../../src/models/one_time.ts'
import { invite } from '../../src/people/invitations.ts'
import { admin, administrator, tokenOf } from '../support/administration.ts'
import { auditKey } from '../support/audit_trail.ts'
import { addClient, begin, poll } from '../support/backchannel.ts'
import { authorizationUrl, claimsOf, demo, type Json, type TestClient } from '../support/client.ts'
import {
  alice,
  authorize,
  browser,
  introspect,
  operatorClient,
  post,
  redeem,
  refresh,
  tokensOf,
  userinfo,
} from '../support/flow.ts'
import { addPasskey, answer, ceremonyForm, pageOf } from '../support/passkeys.ts'
import type { Page, Person } from '../support/person.ts'
import type { Provider } from '../support/provider.ts'
import { realmOf, withRealms } from '../support/realms.ts'
import { manage, register } from '../support/registration.ts'
import { type Credential, get, type RequestOptions } from '../support/security_key.ts'

const env = {
  LAB: 'true',
  REGISTRATION: 'token',
  STORE_URL: 'sqlite::memory:', // as of a store that outlives the process
  AUDIT_SIGNING_KEY: auditKey,
  ACCOUNT_REGISTRATION: 'invitation',
  SIGN_IN_ATTEMPTS_PER_ACCOUNT: '1000',
}

let root: Provider
let places: Provider[]
let assertionKey: CryptoKey
const exchange = 'urn:ietf:params:oauth:grant-type:token-exchange'
const exchangers = new Map<Provider, TestClient>()
const passkeys = new Map<Provider, Credential>()

/** The same people, clients and secrets everywhere: what is refused is refused because of the realm alone. */
beforeAll(async () => {
  root = await withRealms({ env })
  places = [root, await realmOf(root, 'a'), await realmOf(root, 'b')]
  const pair = await generateKeyPair('ES256')
  assertionKey = pair.privateKey
  const jwk = { ...(await exportJWK(pair.publicKey)), kty: 'EC', kid: 'k', alg: 'ES256' }
  for (const place of places) await prepare(place, jwk)
})

async function prepare(place: Provider, jwk: Json & { kty: string }): Promise<void> {
  await addClient(place)
  const id_token_signed_response_alg = 'ES256' as const
  const open = { id_token_signed_response_alg, token_endpoint_auth_method: 'none' }
  const scope = ['openid', 'profile', ...adminScopes].join(' ')
  await operatorClient(place, { ...open, client_id: 'console', scope })
  const grant_types = ['authorization_code', exchange]
  exchangers.set(
    place,
    await operatorClient(place, { id_token_signed_response_alg, client_id: 'exchange', grant_types }),
  )
  const types = { response_types: [], redirect_uris: [], token_endpoint_auth_method: 'none' }
  await operatorClient(place, {
    ...types,
    client_id: 'tv',
    client_name: 'Living room',
    grant_types: ['urn:ietf:params:oauth:grant-type:device_code'],
  })
  await operatorClient(place, {
    client_id: 'opaque',
    ...open,
    access_token_format: 'opaque',
  })
  await operatorClient(place, {
    client_id: 'pairwise',
    ...open,
    subject_type: 'pairwise',
  })
  await operatorClient(place, {
    client_id: 'assertion',
    redirect_uris: [],
    response_types: [],
    grant_types: ['client_credentials'],
    scope: 'profile',
    token_endpoint_auth_method: 'private_key_jwt',
    jwks: { keys: [jwk] },
  })
}

const publicClient = (client_id: string): TestClient => ({ client_id, redirect_uri: demo.redirect_uri })
const tv: TestClient = { client_id: 'tv', redirect_uri: '' }

/** The cookies of `from`, each under the name that it has at `to`: what an attacker who controls a browser can do. */
function transplanted(who: Person, from: Provider, to: Provider): Person {
  const other = browser(to)
  for (const [name, value] of who.cookies) {
    const own = name.slice(cookieName(from.context.config, '').replace(/_realms.*$/, '').length)
    const plain = own.replace(/_realms-\w+$/, '')
    other.cookies.set(cookieName(to.context.config, plain), value)
    other.cookies.set(name, value)
  }
  return other
}

async function signedIn(place: Provider): Promise<Person> {
  const who = browser(place)
  await authorize(place, who)
  return who
}

const errorOf = ({ status, body }: { status: number; body: Record<string, unknown> }): string =>
  status < 300 ? 'accepted' : `${status} ${String(body.error ?? body.code)}`

const leads = async (who: Person, url: string): Promise<string> => {
  const { page, location } = await who.open(url)
  if (page) return `page ${page.status} ${new URL(page.url).pathname.replace(/^\/realms\/\w+/, '')}`
  return location.searchParams.has('code') ? 'accepted' : `error ${location.searchParams.get('error')}`
}

interface Artefact {
  make(place: Provider): Promise<unknown>
  /** How it ends at `place`; `from` is where it was made. */
  use(place: Provider, made: never, from: Provider): Promise<string>
  /** The end elsewhere. */
  refused: string
  /** The end where it was made, if that is no plain acceptance. */
  own?: string
}

const artefacts: Record<string, Artefact> = {
  'an access token (JWT) at userinfo': {
    make: async (place) => (await tokensOf(place, browser(place))).access_token,
    use: async (place, token: string) => errorOf(await userinfo(place, token)),
    refused: '401 invalid_token',
  },
  'an access token (JWT) at introspection': {
    make: async (place) => (await tokensOf(place, browser(place))).access_token,
    use: async (place, token: string) =>
      (await introspect(place, token)).active === true ? 'accepted' : 'inactive',
    refused: 'inactive',
  },
  'an opaque access token': {
    make: async (place) => (await tokensOf(place, browser(place), publicClient('opaque'))).access_token,
    use: async (place, token: string) => errorOf(await userinfo(place, token)),
    refused: '401 invalid_token',
  },
  'a refresh token': {
    make: async (place) =>
      (await tokensOf(place, browser(place), demo, { scope: 'openid offline_access' })).refresh_token,
    use: async (place, token: string) => errorOf(await refresh(place, demo, token)),
    refused: '400 invalid_grant',
  },
  'an authorization code': {
    make: (place) => authorize(place, browser(place)),
    use: async (place, code: Awaited<ReturnType<typeof authorize>>) =>
      errorOf(await redeem(place, demo, code)),
    refused: '400 invalid_grant',
  },
  'an ID Token as a hint': {
    make: async (place) => (await tokensOf(place, browser(place))).id_token,
    async use(place, id_token_hint: string) {
      const { url } = authorizationUrl(place.issuer, demo, { id_token_hint, prompt: 'none' })
      return leads(await signedIn(place), url)
    },
    refused: 'error invalid_request',
  },
  'a subject token for an exchange': {
    make: async (place) => (await tokensOf(place, browser(place), exchangers.get(place)!)).access_token,
    use: async (place, subject_token: string) =>
      errorOf(
        await post(place, '/token', exchangers.get(place)!, {
          grant_type: exchange,
          subject_token_type: 'urn:ietf:params:oauth:token-type:access_token',
          subject_token,
        }),
      ),
    refused: '400 invalid_request',
  },
  'the cookies of a session at the authorization endpoint': {
    make: signedIn,
    use: (place, who: Person, from) =>
      leads(transplanted(who, from, place), authorizationUrl(place.issuer, demo, { prompt: 'none' }).url),
    refused: 'error login_required',
  },
  'the cookies of a session on the pages of the account': {
    make: signedIn,
    use: (place, who: Person, from) => leads(transplanted(who, from, place), '/account'),
    refused: 'page 200 /login',
    own: 'page 200 /account',
  },
  'the form of a sign-in, with its cookies, its interaction and its CSRF token': {
    async make(place) {
      const who = browser(place)
      const page = pageOf(await who.open(authorizationUrl(place.issuer, demo).url))
      return { who, page }
    },
    async use(place, { who, page }: { who: Person; page: Page }, from) {
      const form = page.forms.find((each) => each.buttons.includes('login'))!
      const action = `${place.issuer}/login`
      const there = { ...page, url: action, forms: [{ ...form, action }] }
      const landing = await transplanted(who, from, place).press(there, 'login', alice)
      if (landing.location) return 'accepted'
      return landing.page.status === 200 ? 'accepted' : `page ${landing.page.status}`
    },
    refused: 'page 403',
  },
  'an interaction': {
    async make(place) {
      const who = browser(place)
      return { who, url: pageOf(await who.open(authorizationUrl(place.issuer, demo).url)).url }
    },
    use: (place, { who, url }: { who: Person; url: string }, from) =>
      leads(transplanted(who, from, place), `/login${new URL(url).search}`),
    refused: 'page 400 /login',
    own: 'page 200 /login',
  },
  'a registration access token': {
    make: async (place) =>
      (await register(place, { redirect_uris: ['https://client.example/cb'] }, await initial(place))).body,
    use: async (place, body: Record<string, unknown>) =>
      errorOf(await manage(place, 'GET', body, body.registration_access_token)),
    refused: '401 invalid_token',
  },
  'an initial access token': {
    make: initial,
    use: async (place, headers: Record<string, string>) =>
      errorOf(await register(place, { redirect_uris: ['https://client.example/cb'] }, headers)),
    refused: '401 invalid_token',
  },
  'a pushed authorization request': {
    async make(place) {
      const { params } = authorizationUrl(place.issuer, demo)
      const given = Object.entries(params).filter((each): each is [string, string] => each[1] !== undefined)
      return (await post(place, '/par', demo, Object.fromEntries(given))).body.request_uri
    },
    async use(place, request_uri: string) {
      const query = new URLSearchParams({ client_id: demo.client_id, request_uri })
      return leads(await signedIn(place), `/authorize?${query}`)
    },
    refused: 'page 400 /authorize',
  },
  'a device code': {
    make: async (place) =>
      (await post(place, '/device_authorization', tv, { scope: 'openid' })).body.device_code,
    use: async (place, device_code: string) =>
      (
        await post(place, '/token', tv, {
          grant_type: 'urn:ietf:params:oauth:grant-type:device_code',
          device_code,
        })
      ).body.error as string,
    refused: 'invalid_grant',
    own: 'authorization_pending',
  },
  'a user code': {
    make: async (place) =>
      (await post(place, '/device_authorization', tv, { scope: 'openid' })).body.user_code,
    async use(place, user_code: string) {
      const who = await signedIn(place)
      const page = pageOf(await who.open('/device'))
      const after = pageOf(await who.press(page, 'continue', { user_code }))
      return after.html.includes('Living room') ? 'accepted' : `page ${after.status}`
    },
    refused: 'page 400',
  },
  'a backchannel authentication request': {
    make: async (place) => (await begin(place)).body.auth_req_id,
    use: async (place, id: string) => (await poll(place, id)).body.error!,
    refused: 'invalid_grant',
    own: 'authorization_pending',
  },
  'a client assertion': {
    make: (place) =>
      new SignJWT({ jti: crypto.randomUUID() })
        .setProtectedHeader({ alg: 'ES256', kid: 'k' })
        .setIssuer('assertion')
        .setSubject('assertion')
        .setAudience(place.issuer)
        // By the clock of the place, which stands while the test runs.
        .setIssuedAt(Math.floor(place.context.clock.now() / 1000))
        .setExpirationTime(Math.floor(place.context.clock.now() / 1000) + 60)
        .sign(assertionKey),
    use: async (place, client_assertion: string) =>
      errorOf(
        await post(
          place,
          '/token',
          { client_id: 'assertion', redirect_uri: '' },
          {
            grant_type: 'client_credentials',
            client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
            client_assertion,
          },
        ),
      ),
    refused: '401 invalid_client',
  },
  'a passkey': {
    async make(place) {
      const made =
        passkeys.get(place) ?? (await addPasskey(new URL(place.issuer).origin, await signedIn(place)))
      passkeys.set(place, made)
      return made
    },
    async use(place, credential: Credential) {
      const who = browser(place)
      const { origin } = new URL(place.issuer)
      const page = pageOf(await who.open('/login'))
      const response = await place.fetch('/passkeys/sign_in/options', {
        method: 'POST',
        body: new URLSearchParams(ceremonyForm(page).fields).toString(),
        headers: {
          'content-type': 'application/x-www-form-urlencoded',
          cookie: [...who.cookies].map(([name, value]) => `${name}=${value}`).join('; '),
          origin,
          'sec-fetch-site': 'same-origin',
        },
      })
      const landing = await answer(
        who,
        page,
        get(origin, (await response.json()) as RequestOptions, credential),
      )
      return landing.page?.status === 200 && !landing.page.url.includes('/login') ? 'accepted' : 'refused'
    },
    refused: 'refused',
  },
  'a token of an administrator': {
    async make(place) {
      return tokenOf(place, publicClient('console'), await ownerOf(place))
    },
    use: async (place, token: string) => errorOf(await admin(place, token, 'GET', '/people')),
    refused: '401 invalid_token',
  },
  'the cookies of an administrator': {
    make: async (place) => (await ownerOf(place)).who,
    use: (place, who: Person, from) => leads(transplanted(who, from, place), '/admin/people'),
    refused: 'page 200 /login',
    own: 'page 200 /admin/people',
  },
  'an invitation': {
    async make(place) {
      const about = {
        email: `${crypto.randomUUID()}@example.com`,
        roles: [],
        attributes: {},
        lifetime: 600,
        byMail: false,
      }
      const made = await invite(place.context, 'operator', about)
      return typeof made === 'string' ? made : new URL(made.link).search
    },
    use: (place, search: string) => leads(browser(place), `/create_account${search}`),
    refused: 'page 400 /create_account',
    own: 'page 200 /create_account',
  },
  'a link to reset a password': {
    make: (place) =>
      OneTime.issue(place.context, place.context.random, 'reset_password', { sub: 'user-alice' }, 600),
    use: async (place, token: string) =>
      (await OneTime.peek(place.context, 'reset_password', token)) ? 'accepted' : 'unknown',
    refused: 'unknown',
  },
  'a flow of the lab': {
    async make(place) {
      await tokensOf(place, browser(place))
      return place.context.recorder!.flows.list()[0]!.id
    },
    use: async (place, id: string) =>
      place.context.recorder!.flows.find(id) === undefined
        ? `${(await place.fetch(`/lab/flow?id=${id}`)).status}`
        : 'accepted',
    refused: '404',
  },
  'a nonce for DPoP proofs': {
    make: async (place) => currentNonce(place.context),
    use: async (place, nonce: string) => (isGoodNonce(nonce, place.context) ? 'accepted' : 'unknown'),
    refused: 'unknown',
  },
}

/** Used up by a registration, so that each attempt has its own. */
async function initial(place: Provider): Promise<Record<string, string>> {
  const limits = { grant_types: ['authorization_code'], scope: ['openid'] } as never
  const made = { name: 'test', uses: 100, lifetime: 600, limits }
  const { token } = await InitialAccessToken.issue(place.context, place.context.random, made)
  return { authorization: `Bearer ${token}` }
}

let owners = 0
const ownerOf = (place: Provider) => administrator(place, 'owner', `owner-${owners++}`)

describe.each(Object.entries(artefacts))('%s', (_name, { make, use, refused, own = 'accepted' }) => {
  test('is known where it was made, and unknown everywhere else', async () => {
    for (const from of places)
      for (const at of places) {
        const made = (await make(from)) as never
        expect([from.issuer, at.issuer, await use(at, made, from)]).toEqual([
          from.issuer,
          at.issuer,
          from === at ? own : refused,
        ])
      }
  }, 60_000)
})

describe('where realms are told apart without a refusal', () => {
  test('a consent that was given in one is asked for in the next', async () => {
    for (const place of places) {
      const who = browser(place)
      await operatorClient(place, { client_id: 'asks', token_endpoint_auth_method: 'none' })
      const page = pageOf(await who.open(authorizationUrl(place.issuer, publicClient('asks')).url))
      const landing = await who.press(page, 'login', alice)
      expect(new URL(landing.page!.url).pathname).toEndWith('/consent')
      await who.press(landing.page!, 'allow')
    }
  })

  test('one person has another pairwise name in each, for one client at one address', async () => {
    const subjects = await Promise.all(
      places.map(async (place) => {
        const { id_token } = await tokensOf(place, browser(place), publicClient('pairwise'))
        return claimsOf(id_token).sub
      }),
    )
    expect(new Set(subjects).size).toBe(3)
  })

  test('a sign-out ends the session of its own place alone, in one browser', async () => {
    const who = browser(root)
    const [, a, b] = places as [Provider, Provider, Provider]
    for (const place of places) await who.goThrough(authorizationUrl(place.issuer, demo).url)
    const quietly = (place: Provider) =>
      leads(who, authorizationUrl(place.issuer, demo, { prompt: 'none' }).url)
    expect(await Promise.all(places.map(quietly))).toEqual(['accepted', 'accepted', 'accepted'])
    const page = pageOf(await who.open(`${a.issuer}/logout`))
    await who.press(page, 'logout')
    expect([await quietly(root), await quietly(a), await quietly(b)]).toEqual([
      'accepted',
      'error login_required',
      'accepted',
    ])
  })

  test('the clock of the lab of one moves no other, and not that of the server', async () => {
    const [, a, b] = places as [Provider, Provider, Provider]
    const times = () =>
      places.map(({ context }) => Math.trunc((context.clock.now() - root.clock.now()) / 60_000))
    const move = (place: Provider, body: object) =>
      place.fetch('/lab/api/clock', {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      })
    expect(times()).toEqual([0, 0, 0])
    const { access_token } = await tokensOf(a, browser(a))
    const other = await tokensOf(b, browser(b))
    expect((await move(a, { move: '+2h' })).status).toBe(200)
    expect(times()).toEqual([0, 120, 0])
    expect([
      (await userinfo(a, access_token)).status,
      (await userinfo(b, other.access_token)).status,
    ]).toEqual([401, 200])
    await move(a, { reset: true })
  })

  test('the recorder of one has no request of another, and each check is heard once', async () => {
    const [, a, b] = places as [Provider, Provider, Provider]
    for (const { context } of places) context.recorder!.flows.clear()
    await tokensOf(a, browser(a))
    const counts = () => places.map(({ context }) => context.recorder!.flows.list().length)
    const [server, first, second] = counts()
    expect([server, second]).toEqual([0, 0])
    expect(first).toBeGreaterThan(0)
    const steps = a.context
      .recorder!.flows.list()
      .flatMap(({ exchanges }) => exchanges.flatMap((each) => each.steps))
    const rules = steps.flatMap((step) => (step.kind === 'check' ? [JSON.stringify(step)] : []))
    expect(rules.length).toBeGreaterThan(10)
    expect(channel('latchkey.check').hasSubscribers).toBe(true)
    expect(b.context.recorder!.listening).toBe(root.context.recorder!.listening)
  })

  test('the audit trail of one has nothing of another, and names its people otherwise', async () => {
    const names = places.map(({ context }) => context.audit!.pseudonym('user-alice'))
    expect(new Set(names).size).toBe(3)
    const keys = places.map(({ context }) => context.audit!.keys.map(({ id }) => id).join())
    expect(new Set(keys).size).toBe(3)
  })
})
