/** Sends a request again when the other side asks for it, within bounds. https://www.rfc-editor.org/rfc/rfc9110#section-10.2.3 */
import { timeLeft } from './deadline.ts'

interface Bounds {
  /** Tries in all. */
  tries: number
  /** Milliseconds of all tries and waits together. */
  ms: number
}

const usual: Bounds = { tries: 3, ms: 4_000 }

/** Milliseconds that `Retry-After` asks for: a number of seconds, or a date. */
function askedFor(answer: Response): number | undefined {
  const text = answer.headers.get('retry-after')
  if (text === null) return undefined
  const ms = /^\d{1,6}$/.test(text) ? Number(text) * 1000 : Date.parse(text) - Date.now()
  return Number.isNaN(ms) ? undefined : Math.max(ms, 0)
}

/** Callers that failed together do not come back together. */
const backOff = (attempt: number) => 50 * 2 ** attempt * (1 + Math.random())

/**
 * `send` makes a new request for each try, and that request must be safe to repeat. Its signal ends each try with the time
 * for all. The last answer is returned, whatever it is; a request that did not get one throws.
 */
export async function again(
  send: (signal: AbortSignal) => Promise<Response>,
  { tries, ms }: Bounds = usual,
  wait: (ms: number) => Promise<unknown> = Bun.sleep,
): Promise<Response> {
  const end = Date.now() + Math.min(ms, timeLeft())
  for (let attempt = 1; ; attempt++) {
    const left = Math.max(end - Date.now(), 1)
    const result = await send(AbortSignal.timeout(left)).catch((error: unknown) => ({ error }))
    const isFailure = !(result instanceof Response)
    if (!isFailure && result.status !== 503 && result.status !== 429) return result
    const pause = isFailure ? backOff(attempt) : (askedFor(result) ?? backOff(attempt))
    // A wait that leaves no time for an answer is not begun: the caller learns of it now.
    if (attempt >= tries || Date.now() + pause >= end) {
      if (isFailure) throw result.error
      return result
    }
    if (!isFailure) await result.body?.cancel()
    await wait(pause)
  }
}
