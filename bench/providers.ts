/** How each provider is started and described to the driver; the driver itself knows neither. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { generateKeyPairSync } from 'node:crypto'
import { type Child, freePort, startChild } from './child.ts'
import { publicHalf, type SigningKey } from './proof.ts'
import type { Target } from './target.ts'

export type Variant = 'opaque' | 'jwt_es256' | 'jwt_rs256' | 'redis'

export interface Running {
  target: Target
  /** The server first, then what it stands on. */
  pids: number[]
  stop(): Promise<void>
}

export interface Commands {
  /** Starts Latchkey, without the environment. */
  self: string[]
  /** Node for the peer. */
  node: string
}

export const serverCore = 0
export const driverCore = 1

const redirectUri = 'http://localhost:8080/callback'
const key = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({
  format: 'jwk',
}) as SigningKey
const keyClientId = 'bench-key'

const shared = {
  key,
  redirectUri,
  user: { username: 'alice', password: 'alicepassword' },
  buttons: { login: 'login', allow: 'allow' },
}

const answers = (url: string) => async () => (await fetch(url)).ok

/** oidc-provider, one process whatever the variant: it takes token formats by resource. */
export async function startPeer({ node }: Commands): Promise<Running> {
  const port = await freePort()
  const issuer = `http://localhost:${port}`
  const client = { client_id: 'bench', client_secret: 'bench-secret-of-forty-three-characters-long' }
  const child = await startChild(serverCore, [node, 'peer.mjs'], {
    cwd: import.meta.dir,
    env: {
      PORT: `${port}`,
      NODE_ENV: 'production',
      CLIENT_ID: client.client_id,
      CLIENT_SECRET: client.client_secret,
      REDIRECT_URI: redirectUri,
      KEY_CLIENT_ID: keyClientId,
      KEY_CLIENT_JWK: JSON.stringify({ ...publicHalf(key), alg: 'ES256', use: 'sig' }),
    },
    ready: answers(`${issuer}/.well-known/openid-configuration`),
  })
  const jwt = { ES256: { resource: 'https://es256.example' }, RS256: { resource: 'https://rs256.example' } }
  return {
    pids: [child.pid],
    stop: child.stop,
    target: { ...shared, name: 'peer', issuer, client, keyClientId, jwt },
  }
}

/** The server that does nothing, for the driver's own ceiling. */
export async function startTrivial(): Promise<Running> {
  const port = await freePort()
  const issuer = `http://localhost:${port}`
  const child = await startChild(serverCore, ['bun', 'trivial_server.ts'], {
    cwd: import.meta.dir,
    env: { PORT: `${port}` },
    ready: answers(issuer),
  })
  const client = { client_id: 'bench', client_secret: 'secret' }
  return {
    pids: [child.pid],
    stop: child.stop,
    target: { ...shared, name: 'trivial', issuer, client, jwt: { ES256: {}, RS256: {} } },
  }
}

/** Redis as another machine would hold it: on the driver's core, not the server's. Nothing is written to disk. */
async function startRedis(): Promise<Child & { url: string }> {
  const port = await freePort()
  const child = await startChild(
    driverCore,
    ['redis-server', '--port', `${port}`, '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no'],
    {
      ready: async () => {
        const socket = await Bun.connect({ hostname: '127.0.0.1', port, socket: { data() {} } })
        socket.end()
        return true
      },
    },
  )
  return { ...child, url: `redis://127.0.0.1:${port}` }
}

/** Latchkey on the memory store: token format by environment, so one process per variant. */
export const selfEnvironment = (variant: Variant, port: number): Record<string, string> => ({
  PORT: `${port}`,
  ISSUER_URL: `http://localhost:${port}`,
  STORE_URL: 'memory:',
  NODE_ENV: 'development',
  LOG_LEVEL: 'error',
  RATE_LIMITING_ENABLED: 'false',
  // Attempts are counted as ever, but one person and one address are everybody here; and a thousand may wait.
  SIGN_IN_ATTEMPTS_PER_ACCOUNT: '1000000',
  SIGN_IN_ATTEMPTS_PER_ADDRESS: '1000000',
  SIGN_IN_QUEUE: '1000',
  REGISTRATION_ALLOWED_GRANT_TYPES: 'authorization_code refresh_token client_credentials',
  ACCESS_TOKEN_FORMAT: variant.startsWith('jwt') ? 'jwt' : 'opaque',
  ...(variant.startsWith('jwt') && { ACCESS_TOKEN_ALG: variant === 'jwt_es256' ? 'ES256' : 'RS256' }),
})

export const describeSelf = (issuer: string): Target => ({
  ...shared,
  name: 'latchkey',
  issuer,
  jwt: { ES256: {}, RS256: {} },
})

export async function startSelf({ self }: Commands, variant: Variant): Promise<Running> {
  const redis = variant === 'redis' ? await startRedis() : undefined
  // Keys are made in the directory it runs in, and go with it.
  const cwd = mkdtempSync(join(tmpdir(), 'latchkey-bench-'))
  const clear = async () => {
    await redis?.stop()
    rmSync(cwd, { recursive: true })
  }
  try {
    const port = await freePort()
    const { STORE_URL: memory = '', ...env } = selfEnvironment(variant, port)
    const issuer = `http://localhost:${port}`
    const child = await startChild(serverCore, self, {
      cwd,
      env: redis ? { ...env, REDIS_URL: redis.url } : { ...env, STORE_URL: memory },
      ready: answers(`${issuer}/.well-known/openid-configuration`),
    })
    const pids = [child.pid, ...(redis ? [redis.pid] : [])]
    return { pids, target: describeSelf(issuer), stop: () => child.stop().finally(clear) }
  } catch (error) {
    await clear()
    throw error
  }
}
