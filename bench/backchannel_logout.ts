/** Back-channel logout: logout tokens that arrive, a second, while sessions with many clients end. https://openid.net/specs/openid-connect-backchannel-1_0.html */
import { type Browser, createBrowser } from './browser.ts'
import { createFlow } from './code_flow.ts'
import type { Connection } from './connection.ts'
import { type CpuUse, cpuBetween, cpuUse } from './cpu.ts'
import { type Load, percentile } from './measure.ts'
import { algOf, claimsOf, type Session } from './session.ts'
import type { Result } from './target.ts'

/** A session that is to end: its browser, and an ID Token of it. */
interface Signed {
  connection: Connection
  browser: Browser
  hint: string
}

/** Milliseconds to wait for the last token of a burst. */
const patience = 60_000

/**
 * Each burst ends `lanes` sessions at once, each of them of all clients. Each client has a receiver at an address
 * of its own, and all receivers run in this process. Only the time from the first sign-out to the
 * last token is counted; signing in is not.
 */
export async function backchannelLogout(session: Session, load: Load, lanes: number): Promise<Result> {
  const { target } = session
  const inbox = receive(target.receivers, session)
  const clients = await Promise.all(
    target.receivers.map((receiver) => session.another({ backchannel_logout_uri: `http://${receiver}/` })),
  )
  const latencies: number[] = []
  const watched = [...load.pids, process.pid]
  const use = { server: 0, foreign: 0, driver: 0 }
  let took = 0
  while (took < load.seconds) {
    const sessions: Signed[] = []
    for (let i = 0; i < lanes; i++) sessions.push(await signedIn(session, clients))
    const began = performance.now()
    const before = cpuUse(watched)
    const all = inbox.expect(lanes * clients.length)
    await Promise.all(sessions.map((each) => signOut(session, each)))
    latencies.push(...(await all).map((at) => at - began))
    const seconds = (performance.now() - began) / 1000
    took += seconds
    add(use, before, cpuUse(watched), seconds)
    for (const { connection } of sessions) connection.close()
  }
  inbox.close()
  const sorted = Float64Array.from(latencies).sort()
  return {
    row: 'backchannel_logout',
    rate: latencies.length / took,
    count: latencies.length,
    p50: percentile(sorted, 0.5),
    p99: percentile(sorted, 0.99),
    server: use.server / took,
    foreign: use.foreign / took,
    driver: use.driver / took,
  }
}

/** CPU seconds of one burst, added up. */
function add(
  sum: { server: number; foreign: number; driver: number },
  before: CpuUse,
  after: CpuUse,
  seconds: number,
): void {
  const { server, foreign } = cpuBetween(before, after, seconds)
  sum.server += server * seconds
  sum.foreign += foreign * seconds
  sum.driver += after.own.at(-1)! - before.own.at(-1)!
}

/** Bare receivers: each token is looked at, none is verified. */
function receive(receivers: string[], { metadata, target }: Session) {
  let arrived: number[] = []
  let wanted = Number.POSITIVE_INFINITY
  let done: (arrived: number[]) => void = () => {}
  let refused: (error: Error) => void = () => {}
  const servers = receivers.map((receiver) =>
    Bun.serve({
      hostname: receiver.slice(0, receiver.indexOf(':')),
      port: Number(receiver.slice(receiver.indexOf(':') + 1)),
      async fetch(request) {
        const token = new URLSearchParams(await request.text()).get('logout_token') ?? ''
        if (algOf(token) !== target.idTokenAlg || claimsOf(token).iss !== metadata.issuer)
          refused(new Error(`not a logout token: ${token}`))
        if (arrived.push(performance.now()) === wanted) done(arrived)
        return new Response()
      },
    }),
  )
  return {
    /** When each of `count` tokens arrived. */
    expect(count: number): Promise<number[]> {
      arrived = []
      wanted = count
      return new Promise((resolve, reject) => {
        const late = () => reject(new Error(`${arrived.length} of ${count} logout tokens arrived`))
        const timer = setTimeout(late, patience)
        refused = reject
        done = (all) => {
          clearTimeout(timer)
          resolve(all)
        }
      })
    },
    /** Answers under way are still sent: without them the server would take the last deliveries for failed. */
    close: () => servers.forEach((server) => void server.stop()),
  }
}

/** One browser with one session, in which each client receives tokens. */
async function signedIn(session: Session, clients: Session[]): Promise<Signed> {
  const connection = await session.connect()
  const browser = createBrowser(connection, new URL(session.target.issuer).origin)
  let hint = ''
  // The ID Token of any client ends the session without a question, so the last one is kept.
  for (const client of clients) hint = (await createFlow(client, connection, browser).tokens()).id_token ?? ''
  return { connection, browser, hint }
}

async function signOut({ metadata }: Session, { connection, browser, hint }: Signed): Promise<void> {
  const query = new URLSearchParams({ id_token_hint: hint })
  const reply = await connection.send(browser.opening(`${metadata.end_session_endpoint}?${query}`))
  if (reply.status !== 200 || reply.body.includes('<form method="post"'))
    throw new Error(`not signed out: ${reply.status} ${reply.body.slice(0, 300)}`)
}
