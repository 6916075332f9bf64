/** How each server is started and described to the driver, which knows them only by this description. */
import { mkdtempSync, realpathSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { generateKeyPairSync } from 'node:crypto'
import { type Child, freePort, runChild, startChild } from './child.ts'
import { publicHalf, type SigningKey } from './proof.ts'
import type { Target } from './target.ts'

/** What access tokens are, and what ID Tokens are signed with: one process for each. */
interface Settings {
  access: 'opaque' | 'ES256' | 'RS256' | 'EdDSA'
  id: 'ES256' | 'RS256'
}

export const variants = {
  opaque: { access: 'opaque', id: 'ES256' },
  jwt_es256: { access: 'ES256', id: 'ES256' },
  jwt_rs256: { access: 'RS256', id: 'RS256' },
  /** One RSA signature in a flow, as the peer makes: its access tokens are opaque there. */
  id_rs256: { access: 'opaque', id: 'RS256' },
  es256_id_rs256: { access: 'ES256', id: 'RS256' },
  eddsa_id_rs256: { access: 'EdDSA', id: 'RS256' },
  redis: { access: 'opaque', id: 'ES256' },
  postgres: { access: 'opaque', id: 'ES256' },
  /** On the memory store, with the audit trail. */
  audited: { access: 'opaque', id: 'ES256' },
  /** On the memory store, with a span of each request, verb and signature, which a collector takes. */
  traced: { access: 'opaque', id: 'ES256' },
} as const satisfies Record<string, Settings>

export type Variant = keyof typeof variants

/** Clients that receive logout tokens, each at a loopback address of its own: limits by address are not what is measured. */
const receiverAddresses = Array.from({ length: 16 }, (_, i) => `127.0.0.${i + 2}`)

const receiversOn = (port: number): string[] => receiverAddresses.map((address) => `${address}:${port}`)

export interface Running {
  target: Target
  /** The server first, then what it stands on. */
  pids: number[]
  stop(): Promise<void>
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
  receivers: [],
}

const answers = (url: string) => async () => (await fetch(url)).ok

/** oidc-provider run by the Node at the path `node`: it takes the format of access tokens by resource. */
export async function startPeer(node: string, variant: Variant): Promise<Running> {
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
      ID_TOKEN_ALG: variants[variant].id,
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
    target: { ...shared, name: 'peer', issuer, client, keyClientId, jwt, idTokenAlg: variants[variant].id },
  }
}

/** The limit of a variant, with answers of these sizes (bytes, by workload). */
export async function startLimit(variant: Variant, sizes: Record<string, number>): Promise<Running> {
  const port = await freePort()
  const issuer = `http://localhost:${port}`
  const { access, id } = variants[variant]
  const child = await startChild(serverCore, ['bun', 'limit_server.ts'], {
    cwd: import.meta.dir,
    env: {
      PORT: `${port}`,
      ACCESS_TOKEN: access,
      ID_TOKEN: id,
      SIZES: JSON.stringify(sizes),
      KEY: JSON.stringify(publicHalf(key)),
    },
    ready: answers(`${issuer}/jwks`),
  })
  return {
    pids: [child.pid],
    stop: child.stop,
    target: {
      ...describeSelf(issuer, id),
      name: 'limit',
      client: { client_id: 'bench', client_secret: 'secret' },
      keyClientId,
      receivers: receiversOn(await freePort()),
    },
  }
}

/** A server that does nothing, for the highest rate of the driver itself. */
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
    target: { ...describeSelf(issuer), name: 'trivial', client },
  }
}

/** A process that a server needs, and the settings that name it. */
interface Beside extends Child {
  env: Record<string, string>
}

/** Redis as another machine would hold it: on the driver's core, not the server's. Nothing is written to disk. */
async function startRedis(): Promise<Beside> {
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
  return { ...child, env: { STORE_URL: `redis://127.0.0.1:${port}` } }
}

/** Makes files of PostgreSQL, and runs it, as another user where this process is root: it refuses to run as root. */
const asPostgres =
  process.getuid?.() === 0 ? ['setpriv', '--reuid=postgres', '--regid=postgres', '--clear-groups'] : []

/** PostgreSQL as another machine would hold it: on the driver's core. It writes to the disk and does not wait for it. */
async function startPostgres(): Promise<Beside> {
  const bin = dirname(realpathSync(Bun.which('postgres') ?? '/usr/lib/postgresql/15/bin/postgres'))
  const folder = mkdtempSync(join(tmpdir(), 'latchkey-bench-'))
  if (asPostgres.length > 0) await runChild(driverCore, ['chown', 'postgres', folder], '/')
  const data = join(folder, 'data')
  const make = [join(bin, 'initdb'), '-D', data, '-U', 'latchkey', '-A', 'trust', '--no-sync']
  await runChild(driverCore, [...asPostgres, ...make], folder)
  const port = await freePort()
  const settings = { port, listen_addresses: '127.0.0.1', unix_socket_directories: folder, fsync: 'off' }
  const flags = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])
  const child = await startChild(driverCore, [...asPostgres, join(bin, 'postgres'), '-D', data, ...flags], {
    cwd: folder,
    ready: async () =>
      Bun.spawnSync([join(bin, 'pg_isready'), '-q', '-h', folder, '-p', `${port}`]).exitCode === 0,
  })
  const stop = () => child.stop().finally(() => rmSync(folder, { recursive: true }))
  return { pid: child.pid, stop, env: { STORE_URL: `postgres://latchkey@127.0.0.1:${port}/postgres` } }
}

/** A collector that takes spans and looks at none, on the driver's core. */
async function startCollector(): Promise<Beside> {
  const port = await freePort()
  const endpoint = `http://localhost:${port}`
  const child = await startChild(driverCore, ['bun', 'trivial_server.ts'], {
    cwd: import.meta.dir,
    env: { PORT: `${port}` },
    ready: answers(endpoint),
  })
  return { ...child, env: { OTEL_EXPORTER_OTLP_ENDPOINT: endpoint } }
}

const besides: Partial<Record<Variant, () => Promise<Beside>>> = {
  redis: startRedis,
  postgres: startPostgres,
  traced: startCollector,
}

/** Latchkey on the memory store: token format by environment, so one process per variant. */
export const selfEnvironment = (
  variant: Variant,
  port: number,
  receivers: string[] = [],
): Record<string, string> => ({
  PORT: `${port}`,
  ISSUER_URL: `http://localhost:${port}`,
  STORE_URL: 'memory:',
  NODE_ENV: 'development',
  LAB: 'false', // as in production: the recorder of the lab keeps every request
  LOG_LEVEL: 'error',
  RATE_LIMITING_ENABLED: 'false',
  // All sign-ins are by one End-User from one address: attempts are counted, up to this. And a thousand may wait.
  SIGN_IN_ATTEMPTS_PER_ACCOUNT: '1000000',
  SIGN_IN_ATTEMPTS_PER_ADDRESS: '1000000',
  SIGN_IN_QUEUE: '1000',
  REGISTRATION_ALLOWED_GRANT_TYPES: 'authorization_code refresh_token client_credentials',
  // Receivers of logout tokens are on this machine.
  OUTBOUND_ALLOW_HOSTS: receivers.join(','),
  ...tokenSettings(variants[variant]),
  ...(variant === 'audited' && { AUDIT_SIGNING_KEY: 'the-key-of-the-audit-trail-of-the-bench' }),
})

const tokenSettings = ({ access }: Settings): Record<string, string> =>
  access === 'opaque'
    ? { ACCESS_TOKEN_FORMAT: 'opaque' }
    : { ACCESS_TOKEN_FORMAT: 'jwt', ACCESS_TOKEN_ALG: access }

export const describeSelf = (issuer: string, idTokenAlg: Settings['id'] = 'ES256'): Target => ({
  ...shared,
  name: 'latchkey',
  issuer,
  idTokenAlg,
  jwt: { ES256: {}, RS256: {} },
})

/** `command` starts Latchkey, without the environment. */
export async function startSelf(command: string[], variant: Variant): Promise<Running> {
  const beside = await besides[variant]?.()
  // Keys are made in the directory it runs in, and go with it.
  const cwd = mkdtempSync(join(tmpdir(), 'latchkey-bench-'))
  const clear = async () => {
    await beside?.stop()
    rmSync(cwd, { recursive: true })
  }
  try {
    const port = await freePort()
    const receivers = receiversOn(await freePort())
    const env = { ...selfEnvironment(variant, port, receivers), ...beside?.env }
    const issuer = `http://localhost:${port}`
    const child = await startChild(serverCore, command, {
      cwd,
      env,
      ready: answers(`${issuer}/.well-known/openid-configuration`),
    })
    const pids = [child.pid, ...(beside ? [beside.pid] : [])]
    const target = { ...describeSelf(issuer, variants[variant].id), receivers }
    return { pids, target, stop: () => child.stop().finally(clear) }
  } catch (error) {
    await clear()
    throw error
  }
}
