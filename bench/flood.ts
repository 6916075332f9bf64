/** A thousand sign-ins at once: how much slower are requests for tokens and keys during it? */
import { createFlow } from './code_flow.ts'
import { type Connection, headers } from './connection.ts'
import { cpuBetween, cpuUse } from './cpu.ts'
import { drive, type Load, percentile } from './measure.ts'
import type { Result } from './target.ts'
import type { Session } from './session.ts'
import { workloads } from './workloads.ts'

const signIns = 1000
const rows = ['jwks', 'client_credentials'] as const

/** Half the lanes request the keys, half tokens: first without sign-ins, then during all of them. */
export async function flood(session: Session, { seconds, pids }: Load, lanes: number): Promise<Result> {
  const { user, buttons } = session.target
  const steps = await Promise.all(
    rows.map((name) => Promise.all(Array.from({ length: lanes / 2 }, () => workloads[name]!(session)))),
  )
  const watch = (wanted: () => boolean) => Promise.all(steps.map((some) => drive(some, wanted)))
  const during = (length: number) => {
    const end = performance.now() + length * 1000
    return () => performance.now() < end
  }
  await watch(during(1))
  const quiet = await watch(during(seconds))

  const queue: { connection: Connection; request: string }[] = []
  for (let i = 0; i < signIns; i++) {
    const connection = await session.connect()
    const { browser, request } = createFlow(session, connection)
    queue.push({
      connection,
      request: browser.pressing(await browser.open(request().url), buttons.login, { ...user }),
    })
  }
  const answers = { signed_in: 0, turned_away: 0 }
  let over = false
  const watched = [...pids, process.pid]
  const before = cpuUse(watched)
  const began = performance.now()
  const signing = Promise.all(
    queue.map(async ({ connection, request }) => {
      const reply = await connection.send(request)
      const { status, body } = reply
      if ((status === 302 || status === 303) && headers(reply, 'set-cookie').length > 0) answers.signed_in++
      // A full queue refuses at once; the report says how often.
      else if (status === 503) answers.turned_away++
      else throw new Error(`sign-in: ${status} ${body.slice(0, 300)}`)
    }),
  ).finally(() => (over = true))
  const [flooded] = await Promise.all([watch(() => !over), signing])
  const took = (performance.now() - began) / 1000
  const after = cpuUse(watched)
  for (const { connection } of queue) connection.close()

  const extra: Record<string, number> = { ...answers, seconds: took }
  rows.forEach((name, i) => {
    extra[`${name}_quiet_p99`] = percentile(quiet[i]!, 0.99)
    extra[`${name}_flooded_p99`] = percentile(flooded[i]!, 0.99)
    extra[`${name}_samples`] = flooded[i]!.length
  })
  const all = Float64Array.from(flooded.flatMap((some) => [...some])).sort()
  return {
    row: 'sign_in_flood',
    rate: answers.signed_in / took,
    count: signIns,
    p50: percentile(all, 0.5),
    p99: percentile(all, 0.99),
    driver: (after.own.at(-1)! - before.own.at(-1)!) / took,
    ...cpuBetween(before, after, took),
    extra,
  }
}
