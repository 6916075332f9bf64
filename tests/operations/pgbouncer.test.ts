/** A PgBouncer with the settings of docs/deployment.md carries every verb; one with others is named for what it does not do. https://www.pgbouncer.org/config.html */
import { afterAll, beforeAll, expect, test } from 'bun:test'
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { systemClock } from '../../src/lib/clock.ts'
import { postgresStore } from '../../src/store/postgres.ts'
import { storeContract } from '../store/contract.ts'
import { blocksOf, document } from '../support/document.ts'
import { freePort } from '../support/free_port.ts'
import { password, type PostgresServer, startPostgres } from '../support/postgres.ts'
import { until } from '../support/until.ts'

const documented = blocksOf(document('docs/deployment.md'))
  .find(({ note }) => note === 'pgbouncer')!
  .text.trim()

let server: PostgresServer
let database: string
beforeAll(async () => {
  server = await startPostgres()
  database = server.database('pooled')
}, 60_000)
afterAll(() => server.stop())

/** A PgBouncer of its own before the server. */
async function startBouncer(settings: string) {
  const folder = mkdtempSync(join(tmpdir(), 'latchkey-pgbouncer-'))
  const at = (name: string) => join(folder, name)
  const port = freePort()
  chmodSync(folder, 0o755)
  writeFileSync(at('users'), `"latchkey" "${password}"\n`, { mode: 0o644 })
  writeFileSync(
    at('ini'),
    `[databases]
pooled = host=127.0.0.1 port=${server.port}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${port}
unix_socket_dir =
auth_type = scram-sha-256
auth_file = ${at('users')}
${settings}
`,
    { mode: 0o644 },
  )
  const program = Bun.which('pgbouncer') ?? '/usr/sbin/pgbouncer'
  const child = Bun.spawn([...server.asUser, program, at('ini')], { stdio: ['ignore', 'ignore', 'ignore'] })
  await until(async () => {
    if (child.exitCode !== null) throw new Error(`pgbouncer ended with ${child.exitCode}`)
    return Bun.connect({ hostname: '127.0.0.1', port, socket: { data() {} } }).then(
      (socket) => socket.end() >= 0 || true,
      () => false,
    )
  }, 'pgbouncer')
  return {
    url: database.replace(/:\d+\/pooled$/, `:${port}/pooled`),
    async stop() {
      child.kill('SIGKILL')
      await child.exited
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

storeContract('postgres behind pgbouncer', async () => {
  const bouncer = await startBouncer(documented)
  const open = () => postgresStore(bouncer.url, systemClock, { timeoutMs: 30_000, poolSize: 5 })
  const [a, b] = await Promise.all([open(), open()])
  return {
    a,
    b,
    pass: Bun.sleep,
    done: async () => {
      await Promise.all([a.close(), b.close()])
      await bouncer.stop()
    },
  }
})

test.each([
  [
    'drops no settings',
    'pool_mode = session',
    'a pooler before the server refuses the settings of a connection',
  ],
  [
    'gives each transaction another connection',
    documented.replace('session\n', 'transaction\n'),
    'a pooler before the server does not keep prepared statements',
  ],
])(
  'one that %s is named',
  async (_, settings, words) => {
    const bouncer = await startBouncer(settings)
    const said = await postgresStore(bouncer.url, systemClock, { timeoutMs: 30_000, poolSize: 5 }).then(
      async (store) => {
        const outcomes = await Promise.allSettled(
          Array.from({ length: 50 }, (_, i) => store.put(`${i}`, 'v')),
        )
        await store.close()
        return outcomes.map((each) => (each.status === 'rejected' ? String(each.reason) : '')).join('\n')
      },
      (error: Error) => error.message,
    )
    await bouncer.stop()
    expect(said).toContain(words)
  },
  120_000,
)

test('a server that gives another isolation is refused', async () => {
  const bouncer = await startBouncer(documented)
  server.psql(`ALTER DATABASE pooled SET default_transaction_isolation = 'repeatable read'`)
  const store = await postgresStore(bouncer.url, systemClock, { timeoutMs: 30_000 })
  await expect(store.put('k', 'v')).rejects.toThrow('transactions are repeatable read')
  await store.close()
  await bouncer.stop()
}, 60_000)
