/** A simulated student: does the steps of each lesson at a provider, by HTTP alone. */
import { generateSync } from 'otplib/functional'
import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import type { Clock } from '../../src/lib/clock.ts'
import { systemRandom } from '../../src/lib/random.ts'
import { seedOn } from './authenticator.ts'
import { authorizationUrl, type Json, type TestClient } from './client.ts'
import {
  type At,
  authorize,
  bearer,
  browser,
  demo,
  post,
  redeem,
  refresh,
  tokensOf,
  userinfo,
} from './flow.ts'
import { alice, type Person } from './person.ts'

/** Lets milliseconds pass by the clock of the provider. */
type Wait = (ms: number) => Promise<unknown> | void

/** By the clock of the provider, which in a test of one process stands still. */
const secondsAt = (at: At & { clock?: Clock }): number => Math.floor((at.clock?.now() ?? Date.now()) / 1000)

const asText = (value: unknown): string => String(value)
const device: TestClient = { client_id: 'device-client', redirect_uri: '' }
const deviceType = 'urn:ietf:params:oauth:grant-type:device_code'

const goTo = (at: At, who: Person, more: Record<string, string | undefined>, client = demo) =>
  who.open(authorizationUrl(at.issuer, client, more).url)

async function redirects(at: At): Promise<void> {
  await goTo(at, browser(at), { prompt: 'none' })
  const who = browser(at)
  await authorize(at, who)
  await goTo(at, who, { response_mode: 'fragment' })
  await goTo(at, who, { response_mode: 'form_post' })
  await goTo(at, who, { redirect_uri: 'http://localhost:8080/other' })
}

async function codeFlow(at: At): Promise<void> {
  const authorized = await authorize(at, browser(at))
  const { body } = await redeem(at, demo, authorized)
  await userinfo(at, asText(body.access_token))
  await redeem(at, demo, authorized)
}

async function pkce(at: At): Promise<void> {
  const who = browser(at)
  const first = await authorize(at, who)
  await redeem(at, demo, first, { code_verifier: 'a-guess-of-a-thief-that-has-43-characters-or-more' })
  await redeem(at, demo, first)
  const second = await authorize(at, who)
  await redeem(at, demo, { code: second.code, code_verifier: first.code_verifier })
  await goTo(at, who, { code_challenge: undefined, code_challenge_method: undefined })
}

async function tokens(at: At): Promise<void> {
  const { access_token, id_token } = await tokensOf(at, browser(at))
  await post(at, '/introspect', demo, { token: access_token })
  await userinfo(at, id_token)
  await userinfo(at, access_token)
  await post(at, '/revoke', demo, { token: access_token })
  await post(at, '/introspect', demo, { token: access_token })
}

async function scopesAndConsent(at: At): Promise<void> {
  const who = browser(at)
  for (const scope of ['openid', 'openid email'])
    await userinfo(at, (await tokensOf(at, who, demo, { scope, prompt: 'consent' })).access_token)
  const asked = await goTo(at, who, { scope: 'openid profile email phone', prompt: 'consent' })
  await who.press(asked.page!, 'deny')
  await goTo(at, who, { scope: 'openid email' })
}

async function refreshing(at: At): Promise<void> {
  const scope = 'openid profile offline_access'
  const first = await tokensOf(at, browser(at), demo, { scope, prompt: 'consent' })
  const second = asText((await refresh(at, demo, first.refresh_token)).body.refresh_token)
  const third = asText((await refresh(at, demo, second)).body.refresh_token)
  await refresh(at, demo, first.refresh_token)
  await refresh(at, demo, third)
}

async function service(at: At): Promise<void> {
  const grant_type = 'client_credentials'
  const { body } = await post(at, '/token', demo, { grant_type })
  const token = asText(body.access_token)
  await post(at, '/introspect', demo, { token })
  await post(at, '/token', { ...demo, client_secret: 'wrong' }, { grant_type })
  await post(at, '/token', demo, { grant_type, scope: 'openid' })
  await userinfo(at, token)
}

async function onDevice(at: At, wait: Wait): Promise<void> {
  const { body } = await post(at, '/device_authorization', device, { scope: 'openid profile' })
  const poll = () =>
    post(at, '/token', device, { grant_type: deviceType, device_code: asText(body.device_code) })
  await poll()
  const who = browser(at)
  const signIn = await who.open(`${at.issuer}/device`)
  const typing = await who.press(signIn.page!, 'login', alice)
  const confirm = await who.press(typing.page!, 'continue', { user_code: asText(body.user_code) })
  await who.press(confirm.page!, 'allow')
  // The interval counts from the poll before.
  await wait(5_100)
  await poll()
  await poll()
}

async function parAndJar(at: At): Promise<void> {
  const who = browser(at)
  const { params } = authorizationUrl(at.issuer, demo)
  const pushed = await post(at, '/par', demo, params as Record<string, string>)
  const reference = `${at.issuer}/authorize?${new URLSearchParams({ client_id: demo.client_id, request_uri: asText(pushed.body.request_uri) })}`
  await who.goThrough(reference)
  await who.open(reference)
  const { privateKey, publicKey } = await generateKeyPair('ES256', { extractable: true })
  const thief = await generateKeyPair('ES256')
  const redirect_uri = 'https://signer.example/cb'
  const registered = await at.fetch('/register', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      client_name: 'Signer',
      redirect_uris: [redirect_uri],
      scope: 'openid profile',
      jwks: { keys: [{ ...(await exportJWK(publicKey)), kid: 'c1', alg: 'ES256' }] },
      request_object_signing_alg: 'ES256',
    }),
  })
  const { client_id } = (await registered.json()) as { client_id: string }
  for (const key of [privateKey, thief.privateKey]) {
    const claims = {
      ...authorizationUrl(at.issuer, { client_id, redirect_uri }, { scope: 'openid profile' }).params,
    }
    const request = await new SignJWT({ ...claims, iss: client_id, aud: at.issuer } as Json)
      .setProtectedHeader({ alg: 'ES256', kid: 'c1', typ: 'oauth-authz-req+jwt' })
      .setIssuedAt(secondsAt(at))
      .setNotBefore(secondsAt(at))
      .setExpirationTime(secondsAt(at) + 300)
      .sign(key)
    const address = `${at.issuer}/authorize?${new URLSearchParams({ client_id, request })}`
    if (key === privateKey) await who.goThrough(address)
    else await who.open(address)
  }
}

async function dpopAndStepUp(at: At): Promise<void> {
  const who = browser(at)
  const { privateKey, publicKey } = await generateKeyPair('ES256', { extractable: true })
  const jwk = await exportJWK(publicKey)
  const prove = (htm: string, path: string, more: Json = {}) =>
    new SignJWT({ htm, htu: `${at.issuer}${path}`, jti: systemRandom(12), ...more })
      .setProtectedHeader({ typ: 'dpop+jwt', alg: 'ES256', jwk })
      .setIssuedAt(secondsAt(at))
      .sign(privateKey)
  const { code, code_verifier } = await authorize(at, who)
  const fields = { grant_type: 'authorization_code', code, code_verifier, redirect_uri: demo.redirect_uri }
  const { body } = await post(at, '/token', demo, fields, { dpop: await prove('POST', '/token') })
  const token = asText(body.access_token)
  const ath = Buffer.from(new Bun.CryptoHasher('sha256').update(token).digest()).toString('base64url')
  await at.fetch('/userinfo', {
    headers: { authorization: `DPoP ${token}`, dpop: await prove('GET', '/userinfo', { ath }) },
  })
  await at.fetch('/userinfo', bearer(token))
  const setting = await who.open(`${at.issuer}/account/factors/totp`)
  const secret = seedOn(setting.page!)
  const codeIn = (ahead: number) => generateSync({ secret, epoch: secondsAt(at) + ahead * 30 })
  await who.press(setting.page!, 'verify', { code: codeIn(0) })
  // Another browser, whose session has one factor. A code of an app is good once.
  const other = browser(at)
  const { url, code_verifier: verifier } = authorizationUrl(at.issuer, demo, {
    acr_values: 'urn:latchkey:2fa',
  })
  const signIn = await other.open(url)
  const second = await other.press(signIn.page!, 'login', alice)
  let landing = await other.press(second.page!, 'verify', { code: codeIn(1) })
  if (landing.page) landing = await other.press(landing.page, 'allow')
  await redeem(at, demo, { code: landing.location!.searchParams.get('code')!, code_verifier: verifier })
}

/** By the id of the lesson. */
export const acts: Readonly<Record<string, (at: At, wait: Wait) => Promise<void>>> = {
  redirects,
  'code-flow': codeFlow,
  pkce,
  tokens,
  'scopes-and-consent': scopesAndConsent,
  refresh: refreshing,
  service,
  device: onDevice,
  'par-and-jar': parAndJar,
  'dpop-and-step-up': dpopAndStepUp,
}
