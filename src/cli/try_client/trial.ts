/** Tries a client: a sign-in without a fault, then one with each fault of the lab, and what the client made of it. */
import { Refusal } from '../failure.ts'
import type { Seen, Visit } from './browser.ts'
import type { OwnProvider } from './own_provider.ts'

/** A row of the table of faults, as the lab API shows it. */
export interface FaultRow {
  fault: string
  does: string
  good: string
  rule: string
  rule_url: string
  expects: 'refusal' | 'sign_in' | 'either'
  optional: boolean
  at_start: boolean
  then_works: boolean
}

/**
 * `refused`, `followed` and `survived` are good. `swallowed`: signed in with what it had to refuse. `broken`: the next
 * ordinary sign-in did not work. `not_followed`: it did not sign in, although the answer was right. `not_told`: it asked for
 * nothing that the fault is in.
 */
export type Result =
  'refused' | 'followed' | 'survived' | 'swallowed' | 'broken' | 'not_followed' | 'not_told'

export interface Outcome extends FaultRow {
  result: Result
  /** The client failed the trial. */
  failed: boolean
  told: number
  /** Where the browser ended, and the status there. */
  ended_at: string
  status: number
}

export interface Trial {
  provider: Pick<OwnProvider, 'lab'>
  clientId: string
  start: string
  isSignedIn(seen: Seen): boolean
  /** A new browser for each sign-in. */
  newBrowser(): Visit
  /** A browser that cannot sign in. */
  stranger(): Visit
  /** Starts the client anew; undefined where the command did not start it. False when it does not come up. */
  restart?: (() => Promise<boolean>) | undefined
  /** Seconds that slow answers take. */
  slow: number
}

const faultPath = (clientId: string, fault: string): string =>
  `/trouble?${new URLSearchParams({ client_id: clientId, fault })}`

/** Throws Refusal unless the client signs in without a fault, and a browser without an account does not look signed in. */
async function requireBaseline(trial: Trial): Promise<void> {
  const seen = await trial.newBrowser()(trial.start)
  const where = `${seen.url} answered ${seen.status === 0 ? 'nothing' : seen.status}`
  if (!trial.isSignedIn(seen))
    throw new Refusal(
      `without a fault the client does not end signed in (${where}): look at its issuer, client_id, secret and redirect URI, and at --signed-in`,
    )
  if (trial.isSignedIn(await trial.stranger()(seen.url)))
    throw new Refusal(
      `--signed-in also fits ${seen.url} for a browser that is not signed in: choose another text`,
    )
}

export async function tryFaults(
  trial: Trial,
  rows: readonly FaultRow[],
  tell: (outcome: Outcome) => void,
): Promise<Outcome[]> {
  if (trial.restart && !(await trial.restart())) throw new Refusal('the client of --run did not start')
  await requireBaseline(trial)
  const outcomes: Outcome[] = []
  for (const row of rows) {
    const outcome = await tryFault(trial, row)
    tell(outcome)
    outcomes.push(outcome)
  }
  return outcomes
}

async function tryFault(trial: Trial, row: FaultRow): Promise<Outcome> {
  const { provider, clientId, slow, isSignedIn, newBrowser, start } = trial
  const restart = row.at_start ? trial.restart : undefined
  const path = faultPath(clientId, row.fault)
  await provider.lab('POST', '/trouble', {
    client_id: clientId,
    fault: row.fault,
    address: '127.0.0.1',
    slow,
  })
  const isUp = !restart || (await restart())
  const seen = isUp ? await newBrowser()(start) : { url: start, status: 0, text: '' }
  const { ended } = await provider.lab<{ ended: { told: number }[] }>('DELETE', path)
  const told = ended[0]?.told ?? 0
  const found = resultOf(row, { told, isSignedIn: isSignedIn(seen) })
  const isBroken = isUp && row.then_works && !isSignedIn(await newBrowser()(start))
  // What it knows from the fault must not decide the next one.
  if (restart && !(await restart())) throw new Refusal('the client did not start again')
  const result = isBroken && found !== 'swallowed' ? 'broken' : found
  const failed = !row.optional && (result === 'swallowed' || result === 'broken')
  return { ...row, result, failed, told, ended_at: seen.url, status: seen.status }
}

function resultOf(
  { expects }: FaultRow,
  { told, isSignedIn }: { told: number; isSignedIn: boolean },
): Result {
  if (told === 0) return 'not_told'
  if (expects === 'either') return 'survived'
  if (expects === 'sign_in') return isSignedIn ? 'followed' : 'not_followed'
  return isSignedIn ? 'swallowed' : 'refused'
}
