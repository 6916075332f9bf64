/**
 * Processor time of the server for one unit of a workload, which other processes on the machine disturb less than rates:
 * `bun bench/cost.ts --only userinfo,introspection --serve 'bun OLD/src/main.ts serve' --serve 'bun src/main.ts serve'`.
 * The servers take turns, so that all of them meet the same machine. See README.md.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { commandOf, freePort, startChild } from './child.ts'
import { openConnection } from './connection.ts'
import { drive, type Step } from './measure.ts'
import {
  describeSelf,
  type Running,
  selfEnvironment,
  serverCore,
  startLimit,
  type Variant,
} from './providers.ts'
import { get } from './request.ts'
import { openSession } from './session.ts'
import { workloads } from './workloads.ts'

const { values } = parseArgs({
  options: {
    serve: {
      type: 'string',
      multiple: true,
      default: [`bun ${resolve(import.meta.dir, '../src/main.ts')} serve`],
    },
    only: { type: 'string', default: 'userinfo,introspection,client_credentials,code_flow_in_session' },
    variant: { type: 'string', default: 'opaque' },
    warmup: { type: 'string', default: '30000' },
    units: { type: 'string', default: '800' },
    rounds: { type: 'string', default: '60' },
  },
})
const connections = 16
const variant = values.variant as Variant
/** Milliseconds after the last round, in which a server writes what it has gathered: its trail and its counters. */
const laterMs = 2_500
/** Bytes of the answers, for the limit. */
const sizes = { discovery: 6000, jwks: 2600, userinfo: 150, introspection: 250, code_flow_in_session: 150 }

/** Nanoseconds of processor time that all threads of a process have used, and its main thread. proc(5), sched-stats.rst */
function used(pid: number): { all: number; main: number } {
  const of = (thread: string): number => {
    try {
      return Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'latin1').split(' ', 1)[0])
    } catch {
      return 0 // a thread that has just ended
    }
  }
  const threads = readdirSync(`/proc/${pid}/task`)
  return { all: threads.map(of).reduce((a, b) => a + b, 0), main: of(`${pid}`) }
}

const directory = mkdtempSync(join(tmpdir(), 'latchkey-cost-'))

async function start(command: string, at: number): Promise<Running> {
  const port = await freePort()
  const issuer = `http://localhost:${port}`
  const { pid, stop } = await startChild(serverCore, commandOf(command), {
    cwd: mkdtempSync(join(directory, `${at}-`)),
    env: selfEnvironment(variant, port),
    async ready() {
      const connection = await openConnection('localhost', port)
      const { status } = await connection.send(get(`${issuer}/health`))
      connection.close()
      return status === 200
    },
  })
  return { pids: [pid], stop, target: describeSelf(issuer) }
}

/** A quarter of the rounds took less: rounds that other processes disturbed cost more, and none costs less. */
const quartile = (values: number[]): number => values.toSorted((a, b) => a - b)[values.length >> 2]!

/** `units` of a workload, spread over the connections. */
async function run(steps: Step[], units: number): Promise<void> {
  let left = units
  await drive(steps, () => left-- > 0)
}

for (const workload of values.only.split(',')) {
  const running = [...(await Promise.all(values.serve.map(start))), await startLimit(variant, sizes)]
  const lanes = []
  for (const { target } of running) {
    const session = await openSession(target)
    const steps = await Promise.all(Array.from({ length: connections }, () => workloads[workload]!(session)))
    lanes.push({ steps, main: [] as number[], all: [] as number[] })
  }
  const units = Number(values.units)
  for (let done = 0; done < Number(values.warmup); done += units)
    for (const { steps } of lanes) await run(steps, units)
  const begun = running.map(({ pids }) => used(pids[0]!).all)
  for (let round = 0; round < Number(values.rounds); round++)
    for (const [at, { steps, main, all }] of lanes.entries()) {
      const before = used(running[at]!.pids[0]!)
      await run(steps, units)
      const after = used(running[at]!.pids[0]!)
      main.push((after.main - before.main) / units / 1000)
      all.push((after.all - before.all) / units / 1000)
    }
  await Bun.sleep(laterMs)
  const whole = running.map(
    ({ pids }, at) => (used(pids[0]!).all - begun[at]!) / units / Number(values.rounds) / 1000,
  )
  for (const [at, { main, all }] of lanes.entries())
    console.log(
      `${workload} ${values.serve[at] ?? 'the limit'}: µs of the main thread ${quartile(main).toFixed(1)} (least ${Math.min(...main).toFixed(1)}), of all threads ${quartile(all).toFixed(1)}; mean with what was done between its turns ${whole[at]!.toFixed(1)}`,
    )
  for (const { stop } of running) await stop()
}
rmSync(directory, { recursive: true })
process.exit(0) // the driver's connections are left open
