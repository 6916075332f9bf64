/**
 * What realms cost: memory of each one that is open, and processor time of the server for a token without realms, beside them
 * and in them. `bun bench/realms.ts [--realms 1000] [--rounds 40]`. The servers take turns, as in cost.ts. See README.md.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { loadavg, tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { systemClock } from '../src/lib/clock.ts'
import { createLog } from '../src/lib/log.ts'
import { systemRandom } from '../src/lib/random.ts'
import { demoClient } from '../src/models/demo.ts'
import { Realm } from '../src/models/realm.ts'
import { sqliteStore } from '../src/store/sqlite.ts'
import { freePort, startChild } from './child.ts'
import { openConnection } from './connection.ts'
import { drive, median, percentile, type Step } from './measure.ts'
import { selfEnvironment, serverCore } from './providers.ts'
import { basic, get, post } from './request.ts'

const { values } = parseArgs({
  options: {
    realms: { type: 'string', default: '1000' },
    rounds: { type: 'string', default: '40' },
    units: { type: 'string', default: '400' },
    warmup: { type: 'string', default: '4000' },
  },
})
const count = Number(values.realms)
const units = Number(values.units)
const connections = 16
const directory = mkdtempSync(join(tmpdir(), 'latchkey-realms-bench-'))
const keys = { SIGNING_ALGS: 'ES256', ACCESS_TOKEN_ALG: 'ES256' }
const names = Array.from({ length: count }, (_, i) => `r${i}`)

/** Nanoseconds of processor time of all threads of a process. proc(5), sched-stats.rst */
const used = (pid: number): number =>
  readdirSync(`/proc/${pid}/task`)
    .map((thread) => Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'latin1').split(' ', 1)[0]))
    .reduce((a, b) => a + b, 0)

/** Bytes that are in memory now. */
const resident = (pid: number): number =>
  Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1]) * 1024

interface Server {
  pid: number
  port: number
  issuer: string
  stop(): Promise<void>
}

async function start(name: string, realms: boolean, made: readonly string[]): Promise<Server> {
  const path = join(directory, `${name}.db`)
  const store = sqliteStore(path, systemClock)
  const memory = { store, clock: systemClock, log: createLog('error', 'text', console.error) }
  for (const each of made) await Realm.create(memory, systemRandom, { name: each, settings: {}, demo: true })
  await store.close()
  const port = await freePort()
  const issuer = `http://localhost:${port}`
  const { pid, stop } = await startChild(
    serverCore,
    ['bun', resolve(import.meta.dir, '../src/main.ts'), 'serve'],
    {
      cwd: mkdtempSync(join(directory, `${name}-`)),
      env: {
        ...selfEnvironment('opaque', port),
        ...keys,
        ACCESS_TOKEN_FORMAT: 'jwt',
        STORE_URL: `sqlite:${path}`,
        REALMS: `${realms}`,
      },
      ready: async () => (await once(port, get(`${issuer}/health`))) === 200,
    },
  )
  return { pid, port, issuer, stop }
}

async function once(port: number, request: string): Promise<number> {
  const connection = await openConnection('localhost', port)
  const { status } = await connection.send(request)
  connection.close()
  return status
}

/** A token by client_credentials at each issuer in turn. */
async function lanes(port: number, issuers: readonly string[]): Promise<Step[]> {
  const form = { grant_type: 'client_credentials' }
  const credentials = basic(demoClient.client_id, demoClient.client_secret)
  const requests = issuers.map((issuer) => post(`${issuer}/token`, form, credentials))
  let next = 0
  return Promise.all(
    Array.from({ length: connections }, async () => {
      const connection = await openConnection('localhost', port)
      return async () => {
        const { status, body } = await connection.send(requests[next++ % requests.length]!)
        if (status !== 200 || !body.includes('access_token')) throw new Error(`no token: ${status} ${body}`)
      }
    }),
  )
}

const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(1)} MB`

/** The first request of each realm, one after the other: it opens the realm, makes its key and its demo clients. */
async function openAll({ pid, port, issuer }: Server): Promise<void> {
  const connection = await openConnection('localhost', port)
  const before = resident(pid)
  const cpu = used(pid)
  const took: number[] = []
  for (const name of names) {
    const began = performance.now()
    const { status } = await connection.send(get(`${issuer}/realms/${name}/.well-known/jwks.json`))
    took.push(performance.now() - began)
    if (status !== 200) throw new Error(`${name}: ${status}`)
  }
  connection.close()
  const opening = (used(pid) - cpu) / count / 1e6
  const sorted = Float64Array.from(took).sort()
  await Bun.sleep(5_000)
  const after = resident(pid)
  console.log(
    `${count} realms: resident before ${megabytes(before)}, after ${megabytes(after)}, ${((after - before) / count / 1e3).toFixed(0)} kB each; first request p50 ${percentile(sorted, 0.5).toFixed(1)} ms, p99 ${percentile(sorted, 0.99).toFixed(1)} ms, ${opening.toFixed(1)} ms of processor time`,
  )
}

const run = async (steps: Step[], wanted: number): Promise<void> => {
  let left = wanted
  await drive(steps, () => left-- > 0)
}

/** A quarter of the rounds took less: rounds that other processes disturbed cost more, and none costs less. */
const quartile = (list: number[]): number => list.toSorted((a, b) => a - b)[list.length >> 2]!

const servers: Server[] = []
try {
  for (const [name, realms, made] of [
    ['off', false, []],
    ['none', true, []],
    ['shut', true, names],
    ['full', true, names],
  ] as const)
    servers.push(await start(name, realms, made))
  const [off, none, shut, full] = servers as [Server, Server, Server, Server]
  await openAll(full)
  const rows = [
    { name: 'the server, REALMS=false', server: off, issuers: [off.issuer] },
    { name: 'the server, no realm', server: none, issuers: [none.issuer] },
    { name: `the server, ${count} realms that were never asked`, server: shut, issuers: [shut.issuer] },
    { name: `the server beside ${count} realms in use`, server: full, issuers: [full.issuer] },
    { name: 'one realm', server: full, issuers: [`${full.issuer}/realms/r0`] },
    {
      name: `${count} realms in turn`,
      server: full,
      issuers: names.map((name) => `${full.issuer}/realms/${name}`),
    },
  ]
  const measured = await Promise.all(
    rows.map(async (row) => ({
      ...row,
      steps: await lanes(row.server.port, row.issuers),
      costs: [] as number[],
      rates: [] as number[],
    })),
  )
  for (const { steps } of measured) await run(steps, Number(values.warmup))
  for (let round = 0; round < Number(values.rounds); round++)
    for (const { steps, server, costs, rates } of measured) {
      const [cpu, began] = [used(server.pid), performance.now()]
      await run(steps, units)
      costs.push((used(server.pid) - cpu) / units / 1e3)
      rates.push(units / ((performance.now() - began) / 1e3))
    }
  console.log(
    `load of the machine: ${loadavg()
      .map((each) => each.toFixed(1))
      .join(' ')}`,
  )
  for (const { name, costs, rates } of measured)
    console.log(
      `${name}: ${quartile(costs).toFixed(0)} µs of processor time for a token (median ${median(costs).toFixed(0)}), ${median(rates).toFixed(0)} a second`,
    )
} finally {
  await Promise.all(servers.map(({ stop }) => stop()))
  rmSync(directory, { recursive: true, force: true })
}
