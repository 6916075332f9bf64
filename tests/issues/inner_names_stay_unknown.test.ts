/** Issue 8, A.18: errors of `sector_identifier_uri`, and of every other URL that a stranger names, told inner host names that exist from those that do not. */
import { expect, test } from 'bun:test'
import type { Context } from '../../src/contracts/context.ts'
import { createOutbound } from '../../src/outbound/outbound.ts'
import { authorizationUrl, demo, type Json } from '../support/client.ts'
import { guarded } from '../support/laboratory.ts'
import { person } from '../support/person.ts'
import { type Provider, provider } from '../support/provider.ts'

const hosts: Record<string, () => Promise<readonly string[]>> = {
  'inner.corp.example': async () => ['10.0.0.7'],
  'mixed.corp.example': async () => ['93.184.216.34', '10.0.0.7'],
  'loopback.corp.example': async () => ['127.0.0.1', '::1'],
  'empty.corp.example': async () => [],
  'absent.corp.example': () => Promise.reject(new Error('ENOTFOUND')),
  'broken.corp.example': () => Promise.reject(new Error('SERVFAIL 10.0.0.53')),
}

async function stage(env: Record<string, string> = {}): Promise<Provider> {
  const op = await provider({ env: { REGISTRATION: 'open', RATE_LIMITING_ENABLED: 'false', ...env } })
  const { config, clock, log } = op.context
  const outbound = createOutbound({
    config,
    clock,
    log,
    resolve: (host) => hosts[host]?.() ?? Promise.resolve([]),
  })
  Object.assign(op.context as { outbound: Context['outbound'] }, { outbound })
  return op
}

const register = async (op: Provider, metadata: Json) => {
  const answer = await op.fetch('/register', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ redirect_uris: ['https://rp.example/cb'], ...metadata }),
  })
  return { status: answer.status, body: (await answer.json()) as Json }
}

/** What a stranger sees of a URL, without the name that the stranger typed. */
type Look = (op: Provider, host: string) => Promise<unknown>

const assertionFor = async (client_id: string, audience: string) => {
  const { SignJWT, generateKeyPair } = await import('jose')
  const { privateKey } = await generateKeyPair('ES256')
  return new SignJWT({ jti: crypto.randomUUID() })
    .setProtectedHeader({ alg: 'ES256' })
    .setIssuer(client_id)
    .setSubject(client_id)
    .setAudience(audience)
    .setIssuedAt()
    .setExpirationTime('1m')
    .sign(privateKey)
}

const looks: Record<string, Look> = {
  sector_identifier_uri: (op, host) =>
    register(op, { subject_type: 'pairwise', sector_identifier_uri: `https://${host}/sector` }),
  jwks_uri: async (op, host) => {
    const { body } = await register(op, {
      token_endpoint_auth_method: 'private_key_jwt',
      jwks_uri: `https://${host}/jwks`,
    })
    const answer = await op.fetch('/token', {
      method: 'POST',
      body: new URLSearchParams({
        grant_type: 'authorization_code',
        code: 'x',
        redirect_uri: 'https://rp.example/cb',
        client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
        client_assertion: await assertionFor(String(body.client_id), op.issuer),
      }),
    })
    const said = { status: answer.status, body: await answer.text() }
    return JSON.parse(JSON.stringify(said).replaceAll(String(body.client_id), 'ID')) as unknown
  },
  request_uri: async (op, host) => {
    const request_uri = `https://${host}/request`
    const { body } = await register(op, { request_uris: [request_uri] })
    const client = { ...demo, client_id: String(body.client_id), redirect_uri: 'https://rp.example/cb' }
    const { url } = authorizationUrl(op.issuer, client, { request_uri })
    const { page, location } = await person(op.issuer, op.fetch).open(url)
    return location
      ? location.searchParams.get('error_description')
      : [page.status, /request_uri [^<]*/.exec(page.html)?.[0]]
  },
  client_id: async (op, host) => {
    const { url } = authorizationUrl(op.issuer, { ...demo, client_id: `https://${host}/client` }, {})
    const { page } = await person(op.issuer, op.fetch).open(url)
    return [page!.status, /<p[^>]*>[^<]*client_id[^<]*<\/p>|client_id [^<]*/.exec(page!.html)?.[0]]
  },
  'the logo on the sign-in page': async (op, host) => {
    const { body } = await register(op, { logo_uri: `https://${host}/logo.png` })
    const client = { ...demo, client_id: String(body.client_id), redirect_uri: 'https://rp.example/cb' }
    const { page } = await person(op.issuer, op.fetch).open(authorizationUrl(op.issuer, client, {}).url)
    const src = /src="([^"]*client_logo[^"]*)"/.exec(page!.html)![1]!.replaceAll('&amp;', '&')
    const logo = await op.fetch(src)
    return [logo.status, /<main>.*<\/main>/s.exec(await logo.text())?.[0].replace(/<code.*?<\/code>/gs, '')]
  },
  backchannel_logout_uri: (op, host) =>
    register(op, { backchannel_logout_uri: `https://${host}/logout` }).then(({ status }) => status),
  logo_uri: (op, host) => register(op, { logo_uri: `https://${host}/logo.png` }).then(({ status }) => status),
}

const ids = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f-]{22}|[\w-]{20,}/g
const plain = (said: unknown, host: string): string =>
  JSON.stringify(said)
    .replaceAll(host, 'HOST')
    .replaceAll(encodeURIComponent(host), 'HOST')
    .replace(ids, 'RANDOM')

// In development, where errors say most.
test.each(Object.keys(looks))('%s says the same of every host that cannot be reached', async (name) => {
  const op = await stage({ CLIENT_ID_METADATA_DOCUMENTS: 'true', UNVERIFIED_CLIENT_LOGOS: 'true' })
  const said = new Map<string, string[]>()
  for (const host of Object.keys(hosts)) {
    const text = plain(await looks[name]!(op, host), host)
    said.set(text, [...(said.get(text) ?? []), host])
  }
  const [text] = said.keys()
  expect(Object.fromEntries(said)).toEqual({ [text!]: Object.keys(hosts) })
  if (!name.includes('logo')) expect(text).toContain('could not be reached')
})

test('the log says why', async () => {
  const out = guarded({ resolve: async () => ['10.0.0.7'] })
  const error = await out.fetch('https://inner.corp.example/').catch((thrown: unknown) => thrown)
  expect(error).toMatchObject({
    reason: 'refused',
    detail: '10.0.0.7',
    told: 'could not be reached at a public address',
  })
})
