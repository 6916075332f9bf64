/** What the features cost a request that uses none: the whole table against the core alone, in one process and in turns. */
import { createApp } from '../src/app.ts'
import { generatePkce } from '../src/auth/pkce.ts'
import { algsInUse } from '../src/cli/open.ts'
import { seedDemo } from '../src/cli/seed_demo.ts'
import { loadConfig } from '../src/config.ts'
import { cookieName } from '../src/http/cookie.ts'
import { systemClock as clock } from '../src/lib/clock.ts'
import { deriveKeys } from '../src/lib/secret_keys.ts'
import { createLog } from '../src/lib/log.ts'
import { systemRandom as random } from '../src/lib/random.ts'
import { Client, makeClient } from '../src/models/client.ts'
import { loadKeyRing } from '../src/models/key_ring.ts'
import { Session } from '../src/models/session.ts'
import { memoryStore } from '../src/store/memory.ts'
import { buildTable, featureEntries, featuresFor } from '../src/table.ts'

const issuer = 'http://localhost:5000'
const redirect_uri = 'http://localhost:8080/callback'
const [secret, day] = ['a secret', 86_400]

type Requests = Record<string, () => Promise<unknown>>

/** No sockets and no HTTP: what is left is what our own code does. */
async function requestsOf(features: boolean): Promise<Requests> {
  const env = { ISSUER_URL: issuer, LOG_LEVEL: 'error', ACCESS_TOKEN_ALG: 'ES256', LAB: 'false' }
  const config = loadConfig(env, { featureEntries })
  const log = createLog(config.logLevel, config.logFormat, () => {})
  const store = memoryStore(clock)
  const keys = await loadKeyRing({
    storage: store,
    sealingKey: deriveKeys(config.secretKey, 'bench'),
    clock,
    log,
    algs: algsInUse(config),
    activationDelay: config.keyActivationDelay,
    retention: day,
  })
  const table = buildTable(features ? featuresFor(config) : [])
  const { handle, context } = createApp({ config, store, keys, clock, random, log, table })
  await seedDemo({ config, store, clock, log })
  for (const access_token_format of ['opaque', 'jwt'] as const) {
    const metadata = {
      client_id: access_token_format,
      access_token_format,
      redirect_uris: [redirect_uri],
      grant_types: ['authorization_code', 'refresh_token', 'client_credentials'],
      id_token_signed_response_alg: 'ES256' as const,
      scope: 'openid profile email',
      first_party: true,
    }
    await Client.create(context, makeClient(context, metadata, secret).client)
  }
  const person = { sub: 'user-alice', acr: context.acrValues[0]!, amr: ['pwd'] }
  const { cookie } = await Session.begin(context, random, person, { idle: day, absolute: day })
  const cookies = { cookie: `${cookieName(config, 'session')}=${cookie}` }
  const { code_verifier, code_challenge } = generatePkce(random)

  const ask = async (path: string, init: RequestInit): Promise<string> => {
    const answer = await handle(new Request(issuer + path, init), () => '127.0.0.1')
    if (answer.status !== 200 && answer.status !== 303)
      throw new Error(`${path}: ${answer.status} ${await answer.text()}`)
    return answer.headers.get('location') ?? answer.text()
  }
  const post = (path: string, client: string, fields: Record<string, string>) => {
    const body = new URLSearchParams(fields).toString()
    const headers = {
      authorization: `Basic ${btoa(`${client}:${encodeURIComponent(secret)}`)}`,
      ...{ 'content-type': 'application/x-www-form-urlencoded', 'content-length': `${body.length}` },
    }
    return ask(path, { method: 'POST', body, headers })
  }
  const query = new URLSearchParams({
    response_type: 'code',
    client_id: 'opaque',
    redirect_uri,
    scope: 'openid profile email',
    state: 's',
    nonce: 'n',
    code_challenge,
    code_challenge_method: 'S256',
  })
  const codeFlow = async () => {
    const back = new URL(await ask(`/authorize?${query}`, { headers: cookies }))
    const code = back.searchParams.get('code')!
    const fields = { grant_type: 'authorization_code', code, redirect_uri, code_verifier }
    return JSON.parse(await post('/token', 'opaque', fields)) as { access_token: string }
  }
  const { access_token: token } = await codeFlow()
  const grant = { grant_type: 'client_credentials' }
  return {
    introspection: () => post('/introspect', 'opaque', { token }),
    client_credentials: () => post('/token', 'opaque', grant),
    client_credentials_es256: () => post('/token', 'jwt', grant),
    userinfo: () => ask('/userinfo', { headers: { authorization: `Bearer ${token}` } }),
    code_flow_in_session: codeFlow,
  }
}

const [warmup, slices, together] = [30, Number(process.argv[2] ?? 400), 32]

/** Microseconds a request, a few at once. */
async function slice(request: () => Promise<unknown>): Promise<number> {
  const started = performance.now()
  await Promise.all(Array.from({ length: together }, request))
  return ((performance.now() - started) / together) * 1000
}

/** The quickest quarter: whatever else runs on the machine makes a slice slower and never quicker. */
const quiet = (times: number[]): number =>
  times.toSorted((a, b) => a - b)[Math.floor(times.length / 4)] ?? NaN

const sides = [await requestsOf(false), await requestsOf(true)]
console.log('| µs a request | core alone | all features | ratio |\n| --- | ---: | ---: | ---: |')
for (const name of Object.keys(sides[0]!)) {
  const times: number[][] = [[], []]
  for (let i = -warmup; i < slices; i++)
    for (const side of i % 2 ? [0, 1] : [1, 0]) {
      const time = await slice(sides[side]![name]!)
      if (i >= 0) times[side]!.push(time)
    }
  const [core = NaN, all = NaN] = times.map(quiet)
  console.log(`| ${name} | ${core.toFixed(1)} | ${all.toFixed(1)} | ${(all / core).toFixed(2)} |`)
}
process.exit(0)
