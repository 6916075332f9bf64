/** Signatures by a service that keeps the key: bounded in number and time, and verified before they are used. docs/decisions/0088-keys-at-a-service.md */
import type { VerificationKey } from '../auth/jws.ts'
import { type Clock, elapsedOf } from '../lib/clock.ts'
import { createLimiter } from '../lib/limiter.ts'
import type { KeySource } from './key_source.ts'

/** A service that keeps a signing key gave no good signature. The message names the service and no secret. */
export class SignerUnavailable extends Error {
  override name = 'SignerUnavailable'
}

/** What operators are told of one service. Times in seconds. */
export interface ServiceState {
  source: string
  /** Why the last request failed; undefined while the service works. */
  problem: string | undefined
  made: number
  failed: number
  /** Refused here, without a request to the service. */
  refused: number
  seconds: number
  waiting: number
}

export interface RemoteSigner {
  /** A signature of the key `version` over `input` that `key` verifies. Rejects with SignerUnavailable. */
  sign(version: string, key: VerificationKey, input: string): Promise<Uint8Array>
  /** Why a signature would be refused at once; undefined when the service would be asked. */
  outage(): SignerUnavailable | undefined
  /** Whether the last signature failed, or none was made yet. */
  isUntried(): boolean
  /** What a request for public keys has found: its problem, or none. It decides nothing of signatures. */
  noteLook(problem: string | undefined): void
  state(): ServiceState
}

/** Requests to one service at once. More would not be faster at most of them, and each is paid for or counted. */
const atOnce = 16
/** Most signatures that wait. Each of them holds a request open, for the time-out at most. */
const mostWaiting = 1_000
/** After so many failures in a row the service counts as down: one request in each pause asks it, others are refused at once. */
const failuresOfOutage = 3
const pauseMs = 1_000

const wordsOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))

/** Resolves or rejects as `work`, or rejects with the reason of `signal` when that aborts before. */
const before = <T>(work: Promise<T>, signal: AbortSignal): Promise<T> =>
  new Promise((resolve, reject) => {
    const quit = () => reject(signal.reason as Error)
    signal.addEventListener('abort', quit, { once: true })
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', quit))
  })

/** `timeoutMs` bounds the wait for a place and the request together. */
export function createRemoteSigner(
  source: KeySource,
  { timeoutMs, clock, recovered }: { timeoutMs: number; clock: Clock; recovered: () => void },
): RemoteSigner {
  const counts = { made: 0, failed: 0, refused: 0, seconds: 0 }
  let failures = 0
  let problem: string | undefined
  let lookProblem: string | undefined
  let askAgainAt = -Infinity
  const unavailable = (words: string) => new SignerUnavailable(`${source.name}: ${words}`)
  const full = unavailable(`${mostWaiting} signatures wait for it already`)
  const limiter = createLimiter({ atOnce, waiting: mostWaiting, refusal: () => full })

  function note(found: string | undefined): void {
    if (problem !== undefined && found === undefined) recovered()
    problem = found
    failures = found === undefined ? 0 : failures + 1
    if (failures >= failuresOfOutage) askAgainAt = elapsedOf(clock) + pauseMs
  }

  const outage = () =>
    failures >= failuresOfOutage && elapsedOf(clock) < askAgainAt
      ? unavailable(`${problem}. It is asked again each second`)
      : undefined

  async function ask(version: string, key: VerificationKey, input: string): Promise<Uint8Array> {
    const begun = performance.now()
    const late = new AbortController()
    const timer = setTimeout(
      () => late.abort(unavailable(`gave no signature within ${timeoutMs} ms`)),
      timeoutMs,
    )
    const work = () => source.sign(version, input, timeoutMs - (performance.now() - begun))
    try {
      const signature = await before(limiter.run(work, { signal: late.signal }), late.signal)
      // A fault of the service must neither publish a part of the key (RSA with CRT) nor reach a client as a broken token.
      if (!key.holds(input, signature))
        throw new Error(`its signature does not hold by the published key ${key.kid}`)
      return signature
    } finally {
      clearTimeout(timer)
      counts.seconds += (performance.now() - begun) / 1000
    }
  }

  return {
    outage,
    isUntried: () => problem !== undefined || counts.made === 0,
    noteLook: (found) => void (lookProblem = found),
    state: () => ({
      source: source.name,
      problem: problem ?? lookProblem,
      ...counts,
      waiting: limiter.waiting(),
    }),
    async sign(version, key, input) {
      const down = outage()
      if (down) {
        counts.refused++
        throw down
      }
      // Of requests that come when a pause has ended, one asks.
      if (failures >= failuresOfOutage) askAgainAt = elapsedOf(clock) + pauseMs
      try {
        const signature = await ask(version, key, input)
        counts.made++
        note(undefined)
        return signature
      } catch (error) {
        if (error === full) {
          counts.refused++
          throw error
        }
        counts.failed++
        note(wordsOf(error))
        throw error instanceof SignerUnavailable ? error : unavailable(wordsOf(error))
      }
    },
  }
}
