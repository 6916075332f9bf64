/** The answers to a client that polls while the End-User has not decided. https://www.rfc-editor.org/rfc/rfc8628#section-3.5, CIBA Core §11 */
import { OAuthError } from '../auth/errors.ts'
import type { Context } from '../contracts/context.ts'
import type { RecordKind } from '../models/define_record.ts'

/** The stored state of the polling: the interval in seconds, and the time of the last poll in milliseconds. */
export interface Polled {
  interval: number
  polled_at: number
}

/** The error for a poll while the End-User has not decided. A poll before the interval has passed adds five seconds to it. */
export async function pollingError<T extends Polled>(
  records: Pick<RecordKind<T>, 'update'>,
  id: string,
  context: Context,
): Promise<OAuthError> {
  const now = context.clock.now()
  let tooSoon = false
  await records.update(context, id, (current) => {
    tooSoon = now - current.polled_at < current.interval * 1000
    return { ...current, polled_at: now, interval: tooSoon ? current.interval + 5 : current.interval }
  })
  return tooSoon
    ? new OAuthError('slow_down', {
        rule: 'RFC 8628 §3.5',
        expected: 'the interval in seconds between two requests',
        problem: 'the client polled before the interval had passed',
        next: 'wait five seconds longer between requests from now on',
      })
    : new OAuthError('authorization_pending', {
        rule: 'RFC 8628 §3.5',
        expected: 'the answer of the End-User',
        problem: 'the End-User has not answered yet',
        next: 'ask again after the interval',
      })
}
