/** The provider that `latchkey try-client` runs for one client: in this process, on this machine, in memory. Its lab tells the client wrong things. */
import { createApp, keyRingSecret } from '../../app.ts'
import { addClient } from '../../endpoints/operator_clients.ts'
import { systemClock, seconds } from '../../lib/clock.ts'
import { createLog } from '../../lib/log.ts'
import { systemRandom } from '../../lib/random.ts'
import { loadKeyRing } from '../../models/key_ring.ts'
import { User } from '../../models/user.ts'
import { hashPassword } from '../../people/password.ts'
import { Refusal } from '../failure.ts'
import { openListener } from '../listener.ts'
import { algsInUse, readConfig } from '../open.ts'
import { openBackend } from '../open_store.ts'

export interface Account {
  username: string
  password: string
}

export interface OwnProvider {
  issuer: string
  account: Account
  /** A request of the lab API. Throws Refusal with what it says when it refuses. */
  lab<T>(method: 'GET' | 'POST' | 'DELETE', path: string, body?: object): Promise<T>
  stop(): Promise<void>
}

export interface TriedClient {
  client_id: string
  /** Undefined for a public client. */
  client_secret: string | undefined
  redirect_uri: string
  id_token_alg: string | undefined
}

/** No setting of the environment counts: each run tries the same. */
const settings = (port: number) => ({
  NODE_ENV: 'development',
  LAB: 'true',
  PORT: `${port}`,
  ISSUER_URL: `http://localhost:${port}`,
  SECRET_KEY: systemRandom(33),
  LOG_LEVEL: 'silent',
  RATE_LIMITING_ENABLED: 'false',
  REQUIRE_PKCE: 'false', // whether a client uses PKCE is for `latchkey config check` of the real provider
})

/** On a port that is free when it is 0. */
export async function startProvider(port: number, tried: TriedClient): Promise<OwnProvider> {
  let handle: ReturnType<typeof createApp>['handle'] | undefined
  const notYet = () => new Response(null, { status: 503 })
  const listener = openListener(readConfig(settings(port)), (request, readPeer) =>
    handle ? handle(request, readPeer) : notYet(),
  )
  const config = readConfig(settings(listener.port))
  const clock = systemClock
  const log = createLog('silent', 'text', () => {})
  const store = await openBackend(config, clock)
  const memory = { store, clock, log }
  const keys = await loadKeyRing({
    storage: store,
    sealingKey: keyRingSecret(config.secretKey),
    ...memory,
    algs: algsInUse(config),
    rsaBits: Number(config.rsaKeySize),
    activationDelay: config.keyActivationDelay,
    retention: config.idTokenTtl,
    hints: config.sessionTtl,
  })
  const app = createApp({ ...memory, config, keys, random: systemRandom })
  const account = await addAccount(memory)
  await addTried(app.context, tried)
  handle = app.handle
  return {
    issuer: config.issuer,
    account,
    async lab<T>(method: string, path: string, body?: object) {
      const request = new Request(`${config.issuer}/lab/api${path}`, {
        method,
        ...(body && { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
      })
      const response = await app.handle(request, () => '127.0.0.1')
      if (response.status === 204) return undefined as T
      const answer = (await response.json()) as T & { detail?: string; error_description?: string }
      if (!response.ok) throw new Refusal(answer.detail ?? answer.error_description ?? `${response.status}`)
      return answer
    },
    async stop() {
      await listener.stop(true)
      await store.close()
    },
  }
}

async function addAccount(memory: Parameters<typeof User.create>[0]): Promise<Account> {
  const account = { username: 'try-client', password: systemRandom(18) }
  const now = seconds(memory.clock)
  await User.create(memory, {
    sub: 'try-client-person',
    username: account.username,
    password_hash: await hashPassword(account.password),
    claims: { name: 'Try Client', email: 'try-client@example.com', email_verified: true },
    disabled: false,
    created_at: now,
    updated_at: now,
  })
  return account
}

async function addTried(context: ReturnType<typeof createApp>['context'], tried: TriedClient): Promise<void> {
  const { client_id, client_secret, redirect_uri, id_token_alg } = tried
  await addClient(context, 'operator', {
    clientId: client_id,
    metadata: {
      redirect_uris: [redirect_uri],
      grant_types: ['authorization_code', 'refresh_token'],
      response_types: ['code'],
      scope: context.openScopes.join(' '),
      ...(client_secret === undefined && { token_endpoint_auth_method: 'none' }),
      ...(id_token_alg !== undefined && { id_token_signed_response_alg: id_token_alg }),
    },
    privileges: { first_party: true, lab_client: true },
    chooseSecret: async () => client_secret,
  })
}
