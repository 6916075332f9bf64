/** Polling discipline for whoever waits for a person's answer. https://www.rfc-editor.org/rfc/rfc8628#section-3.5, CIBA Core §11 */
import { OAuthError } from '../auth/errors.ts'
import type { Context } from '../contracts/context.ts'
import type { RecordKind } from '../models/define_record.ts'

/** What is remembered of the polls: seconds between them, and the last one in milliseconds. */
export interface Polled {
  interval: number
  polled_at: number
}

/** The error a poll is answered with while the person has not decided. Too soon, and the interval grows by five seconds. */
export async function askForPatience<T extends Polled>(
  records: Pick<RecordKind<T>, 'update'>,
  id: string,
  context: Context,
): Promise<OAuthError> {
  const now = context.clock.now()
  let hasty = false
  await records.update(context, id, (current) => {
    hasty = now - current.polled_at < current.interval * 1000
    return { ...current, polled_at: now, interval: hasty ? current.interval + 5 : current.interval }
  })
  return hasty
    ? new OAuthError('slow_down', {
        rule: 'RFC 8628 §3.5',
        expected: 'the interval in seconds between two requests',
        problem: 'too soon',
        next: 'wait five seconds longer between requests from now on',
      })
    : new OAuthError('authorization_pending', {
        rule: 'RFC 8628 §3.5',
        expected: 'the answer of the End-User',
        problem: 'the person has not answered yet',
        next: 'ask again after the interval',
      })
}
