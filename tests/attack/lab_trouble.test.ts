/** Faults of the lab must harm neither this provider nor another client: what they sign, who switches them, what they leave in caches. */
import { join } from 'node:path'
import { expect, test } from 'bun:test'
import { signingKey } from '../../src/auth/jws.ts'
import { generateKey } from '../../src/auth/jwk.ts'
import { faults } from '../../src/features/lab_trouble/faults.ts'
import type { Told } from '../../src/features/lab_trouble/fault.ts'
import { madeTokenOf, writeToken } from '../../src/features/lab_trouble/wrong_token.ts'
import { jwks } from '../../src/endpoints/jwks.ts'
import { token } from '../../src/endpoints/token.ts'
import { createRouter } from '../../src/http/router.ts'
import { query } from '../../src/http/authorization_response.ts'
import { authorizationUrl, claimsOf } from '../support/client.ts'
import { authorize, browser, demo, operatorClient, read, tokensOf } from '../support/flow.ts'
import { type Provider, provider } from '../support/provider.ts'

const api = '/lab/api/trouble'
const wish = { client_id: demo.client_id, fault: 'iss' }
const lab = (env: Record<string, string> = {}) => provider({ env: { LAB: 'true', ...env } })
const post = (op: Provider, headers: Record<string, string>, peer?: string, body: object = wish) =>
  op.fetch(api, { method: 'POST', body: JSON.stringify(body), headers }, peer)
const asJson = { 'content-type': 'application/json' }
const onIn = async (op: Provider) => (await read(await op.fetch(api))).body.on as object[]

test('a page of another site switches nothing', async () => {
  const op = await lab()
  const foreign = { origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' }
  expect((await post(op, { ...asJson, ...foreign })).status).toBe(403)
  expect((await post(op, { 'content-type': 'text/plain', origin: 'null' })).status).toBe(400)
  const preflight = await op.fetch(api, { method: 'OPTIONS', headers: { origin: 'https://evil.example' } })
  expect(preflight.headers.get('access-control-allow-origin')).toBeNull()
  expect((await op.fetch(api, { method: 'DELETE', headers: foreign })).status).toBe(403)
  expect(await onIn(op)).toEqual([])
})

test('another address and another host name find no switch', async () => {
  const op = await lab()
  expect((await post(op, asJson, '192.0.2.7')).status).toBe(404)
  const rebound = await op.fetch(`http://attacker.example:5000${api}`, { method: 'POST', headers: asJson })
  expect(rebound.status).toBe(404)
})

test('HEAD switches nothing and counts nothing', async () => {
  const op = await lab()
  await post(op, asJson, undefined, { ...wish, fault: 'discovery_issuer' })
  await op.fetch('/.well-known/openid-configuration', { method: 'HEAD' })
  expect(await onIn(op)).toMatchObject([{ told: 0 }])
})

test('without LAB nothing of it is in the table or around an answer, and no fault is told', async () => {
  const on = await lab()
  await post(on, asJson)
  const off = await provider({ store: on.context.store, clock: on.clock })
  const { table } = off.context
  expect(table.features).not.toContain('lab_trouble')
  expect(table.lab).toEqual({ answers: [], modes: [], refused: [], explains: [], answered: [], recorded: [] })
  expect(table.documentWrappers.map(({ name }) => name)).not.toContain('lab_trouble')
  expect(table.responseModes.get('query')).toBe(query)
  const { find } = createRouter(table.endpoints, table.lab.answers)
  expect(find('/jwks.json')!.answers.get('GET')).toBe(jwks.get!)
  expect(find('/token')!.answers.get('POST')).toBe(token.post!)
  expect((await off.fetch(api)).status).toBe(404)
  expect(claimsOf((await tokensOf(off, browser(off))).id_token).iss).toBe(off.issuer)
})

test('the key of the provider signs nothing that is good elsewhere', async () => {
  const op = await lab()
  const { id_token } = await tokensOf(op, browser(op))
  const made = madeTokenOf(id_token)
  const told: Told = {
    clientId: demo.client_id,
    now: Math.floor(op.clock.now() / 1000),
    stranger: undefined,
    wait: async () => {},
  }
  for (const claims of [
    { aud: 'public-client' },
    { aud: [demo.client_id, 'public-client'] },
    { aud: undefined },
    { aud: [] },
    { sub: 'user-bob' },
  ])
    await expect(writeToken(op.context, made, { claims }, told)).rejects.toThrow('must not make a token')
  // Each fault of the table keeps to it.
  const key = signingKey('stranger', 'RS256', await generateKey('RS256'))
  const stranger = { key, jwk: { kty: 'RSA', use: 'sig', kid: 'stranger' } as const }
  for (const { apply } of faults)
    if (apply.idToken)
      await writeToken(
        op.context,
        made,
        apply.idToken(made, { ...told, stranger }),
        told.stranger ? told : { ...told, stranger },
      )
})

test('a wrong ID Token is no hint and no key of this provider', async () => {
  const op = await lab()
  for (const fault of ['iss', 'kid', 'signature', 'alg_none', 'alg_swapped']) {
    await post(op, asJson, undefined, { ...wish, fault })
    const { id_token } = await tokensOf(op, browser(op))
    await op.fetch(`${api}?client_id=${demo.client_id}`, { method: 'DELETE' })
    const who = browser(op)
    const { location } = await authorize(op, who, demo, { id_token_hint: id_token }).then(
      (found) => found,
      (error: Error) => ({ location: new URL(`http://refused/?error=${encodeURIComponent(error.message)}`) }),
    )
    expect([fault, location.searchParams.has('error')]).toEqual([fault, true])
  }
})

test('what is told in place of public documents is kept by no cache', async () => {
  const op = await lab()
  for (const [fault, path] of [
    ['jwks_empty', '/jwks.json'],
    ['jwks_503', '/.well-known/jwks.json'],
    ['discovery_issuer', '/.well-known/oauth-authorization-server'],
  ] as const) {
    await post(op, asJson, undefined, { ...wish, fault })
    expect((await op.fetch(path)).headers.get('cache-control')).toBe('no-store')
    await op.fetch(`${api}?client_id=${demo.client_id}`, { method: 'DELETE' })
    expect((await op.fetch(path)).headers.get('cache-control')).toContain('public')
  }
})

test('the number of faults is bounded, and so is the time that an answer is late', async () => {
  const op = await lab()
  expect((await post(op, asJson, undefined, { ...wish, fault: 'token_slow', slow: 26 })).status).toBe(422)
  expect((await post(op, asJson, undefined, { ...wish, minutes: -1 })).status).toBe(422)
  expect((await post(op, asJson, undefined, { ...wish, minutes: 1e9 })).status).toBe(422)
  expect((await post(op, asJson, undefined, { ...wish, fault: '__proto__' })).status).toBe(422)
  expect((await post(op, asJson, undefined, { ...wish, address: 'localhost; x' })).status).toBe(422)
  expect((await post(op, asJson, undefined, { ...wish, told: 5 })).status).toBe(400)
})

test('sixty-four switches at once: all of the faults are on, once each', async () => {
  const op = await lab()
  const names = faults.filter(({ ownKey }) => !ownKey).map(({ name }) => name)
  const wishes = Array.from({ length: 64 }, (_, at) => ({ ...wish, fault: names[at % names.length]! }))
  const statuses = await Promise.all(
    wishes.map(async (body) => (await post(op, asJson, undefined, body)).status),
  )
  expect(new Set(statuses)).toEqual(new Set([201]))
  expect(await onIn(op)).toHaveLength(names.length)
})

const loadedWith = (LAB: string): { status: number; loaded: string[] } => {
  const { stdout } = Bun.spawnSync(['bun', join(import.meta.dir, 'lab_loaded_process.ts')], {
    env: { ...process.env, LAB },
  })
  return JSON.parse(stdout.toString()) as { status: number; loaded: string[] }
}

test('without LAB no file of the lab is loaded but those that say when; with LAB the first refusal has its page', () => {
  expect(loadedWith('false')).toEqual({
    status: 404,
    loaded: [
      'lab_classroom/feature.ts',
      'lab_classroom/paths.ts',
      'lab_client/feature.ts',
      'lab_client/paths.ts',
      'lab_clock/feature.ts',
      'lab_errors/feature.ts',
      'lab_errors/paths.ts',
      'lab_recorder/feature.ts',
      'lab_recorder/paths.ts',
      'lab_token/feature.ts',
      'lab_trouble/feature.ts',
      'lab_worksheet/feature.ts',
      'lab_worksheet/paths.ts',
    ],
  })
  const { status, loaded } = loadedWith('true')
  expect(status).toBe(200)
  expect(loaded).toContain('models/recording/recorder.ts')
  expect(loaded.filter((path) => /\/(?:page|start|list)\.ts$/.test(path))).toEqual([
    'lab_client/start.ts',
    'lab_clock/page.ts',
    'lab_errors/list.ts',
    'lab_errors/page.ts',
    'lab_recorder/list.ts',
    'lab_token/page.ts',
    'lab_trouble/page.ts',
    'lab_worksheet/page.ts',
  ])
})

test('a record that others change without end loses no fault', async () => {
  const op = await lab()
  await post(op, asJson)
  const { store } = op.context
  let isContended = true
  const replace: typeof store.replace = async (key, ...rest) =>
    isContended && key.startsWith('lab_trouble:') ? false : store.replace(key, ...rest)
  const other = await provider({
    env: { LAB: 'true' },
    store: new Proxy(store, {
      get(target, name) {
        const verb = Reflect.get(target, name) as unknown
        return name === 'replace' ? replace : typeof verb === 'function' ? verb.bind(target) : verb
      },
    }),
    clock: op.clock,
  })
  expect((await post(other, asJson, undefined, { ...wish, fault: 'aud' })).status).toBe(503)
  expect(await onIn(op)).toMatchObject([{ fault: 'iss' }])
  isContended = false
  expect((await post(other, asJson, undefined, { ...wish, fault: 'aud' })).status).toBe(201)
  expect(await onIn(op)).toMatchObject([{ fault: 'iss' }, { fault: 'aud' }])
})

test('answers as JWT, in the fragment and in a form are told the same', async () => {
  const op = await lab()
  await post(op, asJson, undefined, { ...wish, fault: 'state' })
  await post(op, asJson, undefined, { ...wish, fault: 'nonce' })
  const who = browser(op)
  const jwt = (await authorize(op, who, demo, { response_mode: 'query.jwt' }).catch(
    (error: Error) => error,
  )) as Error
  const [response = ''] = /response=[\w.-]+/.exec(jwt.message) ?? []
  expect(claimsOf(response.slice('response='.length)).state).toBe('another-state')
  const client = await operatorClient(op, {
    client_id: 'hybrid',
    lab_client: true,
    response_types: ['code id_token'],
    grant_types: ['authorization_code', 'implicit'],
  })
  await post(op, asJson, undefined, { ...wish, client_id: 'hybrid', fault: 'nonce' })
  const { url } = authorizationUrl(op.issuer, client, { response_type: 'code id_token' })
  const fragment = new URLSearchParams((await who.goThrough(url)).hash.slice(1))
  expect(claimsOf(fragment.get('id_token')).nonce).toBe('another-nonce')
})
