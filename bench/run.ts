/** Latchkey and its peer side by side: alternating rounds, one core each, medians and ratios. See README.md. */
import { resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { commandOf, runChild } from './child.ts'
import { median } from './measure.ts'
import { driverCore, type Running, startPeer, startSelf, startTrivial, type Variant } from './providers.ts'
import { report } from './report.ts'
import { rows } from './rows.ts'
import type { Job, Result } from './target.ts'

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '3' },
    warmup: { type: 'string', default: '1' },
    only: { type: 'string' },
    against: { type: 'string', default: 'both' },
    json: { type: 'string' },
    serve: { type: 'string', default: `bun ${resolve(import.meta.dir, '../src/main.ts')} serve` },
    node: { type: 'string', default: 'node' },
  },
})
const rounds = Number(values.rounds)
const seconds = Number(values.seconds)
const commands = { self: commandOf(values.serve), node: values.node }
const only = values.only?.split(',')
const wanted = rows.filter(({ name }) => !only || only.includes(name))
const unknown = only?.filter((name) => name !== 'driver' && !rows.some((row) => row.name === name)) ?? []
if (unknown.length > 0)
  throw new Error(`no such row: ${unknown}; there are ${rows.map(({ name }) => name)}, driver`)
if (!['both', 'peer', 'self'].includes(values.against)) throw new Error('--against is both, peer or self')
const withSelf = values.against !== 'peer'
const withPeer = values.against !== 'self'

/** Every round's result, by `who workload`, where who is a variant of ours, `peer`, or `bare`. */
const results = new Map<string, Result[]>()
const record = (who: string, result: Result) => {
  const key = `${who} ${result.row}`
  results.set(key, [...(results.get(key) ?? []), result])
  console.error(
    `  ${key.padEnd(44)} ${result.rate.toFixed(0).padStart(8)}/s  p99 ${result.p99.toFixed(2)} ms`,
  )
}

const unique = (names: string[]): string[] => [...new Set(names)]

/** Start, drive, stop; the server is stopped whatever happened. */
async function drive(who: string, start: () => Promise<Running>, workloads: string[]): Promise<void> {
  if (workloads.length === 0) return
  const server = await start()
  try {
    const job: Job = {
      target: server.target,
      rows: workloads,
      seconds,
      warmup: Number(values.warmup),
      connections: 16,
      pids: server.pids,
    }
    const out = await runChild(driverCore, ['bun', 'driver.ts', JSON.stringify(job)], import.meta.dir)
    for (const line of out.trim().split('\n')) record(who, JSON.parse(line))
  } finally {
    await server.stop()
  }
}

const of = (variant: Variant) => wanted.filter((row) => row.variant === variant)

const selfRuns = (variant: Variant): string[] =>
  unique([
    ...of(variant).map(({ workload }) => workload),
    // What Redis is held against has to be measured too.
    ...(variant === 'opaque' ? of('redis').map(({ workload }) => workload) : []),
  ])

await runChild(driverCore, ['bun', 'install', '--frozen-lockfile', '--silent'], import.meta.dir)
if (!only || only.includes('driver')) await drive('bare', startTrivial, ['discovery', 'client_credentials'])

for (let round = 1; round <= rounds && wanted.length > 0; round++) {
  console.error(`round ${round} of ${rounds}`)
  const ours = async () => {
    for (const variant of ['opaque', 'jwt_es256', 'jwt_rs256', 'redis'] as const)
      await drive(variant, () => startSelf(commands, variant), selfRuns(variant))
    for (const against of ['rs256_sign', 'argon2id_verify'] as const) {
      if (!wanted.some((row) => row.against === against)) continue
      const out = await runChild(0, ['bun', 'ceilings.ts', against, `${seconds}`], import.meta.dir)
      record('bare', JSON.parse(out))
    }
  }
  const theirs = () =>
    drive(
      'peer',
      () => startPeer(commands),
      unique(wanted.filter(({ against }) => against === 'peer').map(({ workload }) => workload)),
    )
  // Who goes first changes each round, so that a warm or throttled machine favours neither.
  const turn = [...(withSelf ? [ours] : []), ...(withPeer ? [theirs] : [])]
  for (const go of round % 2 ? turn : turn.toReversed()) await go()
}

console.log(report(wanted, results, { rounds, seconds }))
if (values.json) {
  const medians = Object.fromEntries(
    [...results].map(([key, some]) => [key, median(some.map(({ rate }) => rate))]),
  )
  await Bun.write(
    resolve(values.json),
    JSON.stringify({ rounds, seconds, medians, results: Object.fromEntries(results) }, null, 2),
  )
}
