/** Does a full store slow the answers? p99 with a million live records against an empty store: `bun bench/million.ts`. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { freePort, runChild, startChild } from './child.ts'
import { median, tolerable } from './measure.ts'
import { describeSelf, driverCore, selfEnvironment, serverCore } from './providers.ts'
import { table } from './report.ts'
import type { Job, Result } from './target.ts'

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '3' },
    seconds: { type: 'string', default: '3' },
    each: { type: 'string', default: '500000' },
  },
})
const workloads = ['client_credentials', 'introspection', 'userinfo', 'refresh', 'code_flow_in_session']
const directory = mkdtempSync(join(tmpdir(), 'latchkey-million-'))

async function measured(count: number): Promise<Result[]> {
  const port = await freePort()
  const issuer = `http://localhost:${port}`
  const server = await startChild(serverCore, ['bun', join(import.meta.dir, 'prefilled.ts'), `${count}`], {
    cwd: directory,
    env: selfEnvironment('opaque', port),
    within: 180_000,
    ready: async () => (await fetch(`${issuer}/health`)).ok,
  })
  try {
    const job: Job = {
      target: describeSelf(issuer),
      rows: workloads,
      seconds: Number(values.seconds),
      warmup: 1,
      connections: 16,
      pids: [server.pid],
      noisy: false,
    }
    const out = await runChild(driverCore, ['bun', 'driver.ts', JSON.stringify(job)], import.meta.dir)
    return out
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))
  } finally {
    await server.stop()
  }
}

const rounds: { empty: Result[]; full: Result[] }[] = []
try {
  for (let round = 0; round < Number(values.rounds); round++)
    rounds.push({ empty: await measured(0), full: await measured(Number(values.each)) })
} finally {
  rmSync(directory, { recursive: true })
}

const of = (which: 'empty' | 'full', row: number, pick: 'p99' | 'rate') =>
  median(rounds.map((round) => round[which][row]![pick]))
/** Cores that other processes used in the worst round. */
const foreign = (row: number): number =>
  Math.max(...rounds.flatMap(({ empty, full }) => [empty[row]!.foreign, full[row]!.foreign]))

console.log(
  `${values.each} sessions and as many tokens; median of ${values.rounds} rounds of ${values.seconds} s\n`,
)
console.log(
  table([
    ['workload', 'p99 ms empty', 'p99 ms full', 'ratio', 'at most', 'met', '/s empty', '/s full', 'foreign'],
    ...workloads.map((name, i) => {
      const [empty, full] = [of('empty', i, 'p99'), of('full', i, 'p99')]
      const ratio = full / empty
      const rates = (['empty', 'full'] as const).map((which) => of(which, i, 'rate').toFixed(0))
      return [
        name,
        empty.toFixed(2),
        full.toFixed(2),
        ratio.toFixed(2),
        '1.5',
        foreign(i) > tolerable ? 'disturbed' : ratio <= 1.5 ? 'yes' : 'NO',
        ...rates,
        `${Math.round(100 * foreign(i))} %`,
      ]
    }),
  ]),
)
