/** `X-Lab-Clock`: a test has one request answered at another time. The store, the caches and the keys keep theirs. */
import { OAuthError } from '../../auth/errors.ts'
import type { Call } from '../../contracts/call.ts'
import type { Context } from '../../contracts/context.ts'
import { labExists } from '../../http/lab_exists.ts'
import { createLabClock } from '../../lib/lab_clock.ts'
import { moveWords, readMove } from './move.ts'

const headerName = 'x-lab-clock'

/** Throws `invalid_request` for a header that is no time. */
function shifted(context: Context, text: string): Context {
  const clock = createLabClock(context.clock)
  const moment = readMove(text, clock.now())
  if (moment !== undefined && clock.lab.moveTo(moment)) return { ...context, clock }
  throw new OAuthError('invalid_request', {
    rule: 'RFC 6749 §3.1',
    expected: `X-Lab-Clock is ${moveWords}, at most ten years away`,
    came: text,
  })
}

/** The header of an address for which there is no lab is ignored, as for every endpoint of the lab. */
export function contextAt(call: Call, context: Context): Context {
  const text = call.request.headers.get(headerName)
  return text !== null && labExists(call, context) ? shifted(context, text) : context
}
