/** Latchkey, its limit and its peer: alternating rounds, one core each, medians and shares. See README.md. */
import { resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { commandOf, runChild } from './child.ts'
import { findNode, type Node } from './node.ts'
import {
  driverCore,
  type Running,
  serverCore,
  startLimit,
  startPeer,
  startSelf,
  startTrivial,
  type Variant,
  variants,
} from './providers.ts'
import { describeMachine, report, type Run } from './report.ts'
import { type Row, rows } from './rows.ts'
import type { Job, Result } from './target.ts'

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '3' },
    warmup: { type: 'string', default: '0.5' },
    only: { type: 'string' },
    against: { type: 'string', default: 'both' },
    json: { type: 'string' },
    noisy: { type: 'boolean', default: false },
    serve: { type: 'string', default: `bun ${resolve(import.meta.dir, '../src/main.ts')} serve` },
    node: { type: 'string', default: '22,20' },
  },
})
const rounds = Number(values.rounds)
const seconds = Number(values.seconds)
const only = values.only?.split(',')
const wanted = rows.filter(({ name }) => !only || only.includes(name))
const unknown = only?.filter((name) => name !== 'driver' && !rows.some((row) => row.name === name)) ?? []
if (unknown.length > 0)
  throw new Error(`no such row: ${unknown}; there are ${rows.map(({ name }) => name)}, driver`)
if (!['both', 'peer', 'self'].includes(values.against)) throw new Error('--against is both, peer or self')
const withSelf = values.against !== 'peer'
const withPeer = values.against !== 'self' && wanted.some(({ peer }) => peer)

/** Every round's result, by server and name of the row: `latchkey jwks`, `limit jwks`, `Node 22.1.0 jwks`, `driver get`. */
const results: Record<string, Result[]> = {}
const record = (server: string, name: string, result: Result) => {
  const key = `${server} ${name}`
  results[key] = [...(results[key] ?? []), result]
  console.error(
    `  ${key.padEnd(52)} ${result.rate.toFixed(0).padStart(8)}/s  p99 ${result.p99.toFixed(2)} ms`,
  )
}

type Measured = Pick<Row, 'name' | 'workload'>

/** Start, drive, stop; the server is stopped whatever happened. */
async function drive(server: string, start: () => Promise<Running>, some: Measured[]): Promise<void> {
  if (some.length === 0) return
  const running = await start()
  try {
    const job: Job = {
      target: running.target,
      rows: some.map(({ workload }) => workload),
      seconds,
      warmup: Number(values.warmup),
      connections: 16,
      pids: running.pids,
      noisy: values.noisy,
    }
    const out = await runChild(driverCore, ['bun', 'driver.ts', JSON.stringify(job)], import.meta.dir)
    const lines = out.trim().split('\n')
    some.forEach(({ name }, i) => record(server, name, JSON.parse(lines[i]!)))
  } finally {
    await running.stop()
  }
}

const names = Object.keys(variants) as Variant[]

/** Of each variant the rows that `test` accepts. */
const ofVariant = (variant: Variant, some: Row[], test: (row: Row) => boolean = () => true): Row[] =>
  some.filter((row) => row.variant === variant && test(row))

/** What Redis is compared with has to be measured too; the flood, a minute long, is measured once. */
const ownRows = (round: number): Row[] => {
  const beside = wanted.filter(({ limit }) => limit === 'memory').map(({ workload }) => workload)
  return rows.filter((row) =>
    row.name === 'sign_in_flood'
      ? round === 1 && wanted.includes(row)
      : wanted.includes(row) || (row.variant === 'opaque' && beside.includes(row.name)),
  )
}

async function latchkey(round: number): Promise<void> {
  const own = ownRows(round)
  for (const variant of names)
    await drive('latchkey', () => startSelf(commandOf(values.serve), variant), ofVariant(variant, own))
}

/** Bytes of Latchkey's answers to the rows of a variant, by workload. */
const sizesOf = (some: Row[]): Record<string, number> =>
  Object.fromEntries(
    some.flatMap(({ name, workload }) => {
      const bytes = results[`latchkey ${name}`]?.at(-1)?.bytes
      return bytes === undefined ? [] : [[workload, bytes]]
    }),
  )

async function limits(): Promise<void> {
  for (const variant of names) {
    const some = ofVariant(variant, wanted, ({ limit }) => limit === 'server')
    await drive('limit', () => startLimit(variant, sizesOf(some)), some)
  }
  if (!wanted.some(({ limit }) => limit === 'argon2id_verify')) return
  const command = ['bun', 'ceilings.ts', 'argon2id_verify', `${seconds}`, `${values.noisy}`]
  record('limit', 'argon2id_verify', JSON.parse(await runChild(serverCore, command, import.meta.dir)))
}

async function peer(node: Node): Promise<void> {
  for (const variant of names)
    await drive(
      node.name,
      () => startPeer(node.path, variant),
      ofVariant(variant, wanted, (row) => row.peer === true),
    )
}

await runChild(driverCore, ['bun', 'install', '--frozen-lockfile', '--silent'], import.meta.dir)
const nodes = withPeer ? values.node.split(',').map(findNode) : []
if (!only || only.includes('driver'))
  await drive('driver', startTrivial, [
    { name: 'get', workload: 'discovery' },
    { name: 'post', workload: 'client_credentials' },
  ])

for (let round = 1; round <= rounds && wanted.length > 0; round++) {
  console.error(`round ${round} of ${rounds}`)
  const [first, ...others] = nodes
  const turn: (() => Promise<void>)[] = [
    ...(withSelf ? [() => latchkey(round)] : []),
    ...(first ? [() => peer(first)] : []),
  ]
  // Which goes first changes each round, so that a warm or throttled machine favours neither.
  for (const go of round % 2 ? turn : turn.toReversed()) await go()
  // The limit and other Nodes vary little: every second round is enough, and saves a third of the time.
  if (round % 2 === 0) continue
  if (withSelf) await limits()
  for (const node of others) await peer(node)
}

const run: Run = {
  date: new Date().toISOString().slice(0, 10),
  machine: describeMachine(),
  rounds,
  seconds,
  nodes: nodes.map(({ name }) => name),
  noisy: values.noisy,
  results,
}
console.log(report(wanted, run))
if (values.json) await Bun.write(resolve(values.json), JSON.stringify(run, null, 2))
