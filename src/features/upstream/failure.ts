/** The page after a failed sign-in with a provider: the reason and the other sign-in methods. */
import { refusalFields } from '../../http/error_reply.ts'
import type { Call } from '../../contracts/call.ts'
import { note } from '../../models/audit/note.ts'
import { HttpError, OAuthError } from '../../auth/errors.ts'
import type { Context } from '../../contracts/context.ts'
import { wayToAccount } from '../../flow/ways_on.ts'
import { page } from '../../http/reply.ts'
import type { Reply } from '../../contracts/reply.ts'
import { say } from '../../lib/say.ts'
import { failedPage } from './pages.ts'
import { type Failure, UpstreamError } from './request.ts'
import type { Upstream } from './settings.ts'
import type { State } from './state.ts'

export const connectionsPath = '/account/connections'

const statuses: Readonly<Record<Failure, number>> = {
  cancelled: 403,
  not_allowed: 403,
  disabled: 403,
  not_fresh: 403,
  taken: 409,
  refused: 502,
  nonsense: 502,
  down: 503,
}

const retryAfterSeconds = 15

/** The page for an UpstreamError; rethrows other errors. The interaction is unchanged, so other sign-in methods can continue it. */
export function failed(
  call: Call,
  context: Context,
  upstream: Upstream,
  purpose: State['purpose'],
  error: unknown,
): Reply {
  if (!(error instanceof UpstreamError)) throw error
  const { failure, detail } = error
  note(
    call,
    context,
    'upstream_failed',
    { provider: upstream.id, failure },
    { detail, ...refusalFields(call) },
  )
  context.metrics.count('sign_ins', 'result', 'failure')
  return sayFailed(context, upstream, purpose, failure)
}

export function sayFailed(
  context: Context,
  { label }: Upstream,
  purpose: State['purpose'],
  failure: Failure,
): Reply {
  const { basePath } = context
  const html = failedPage({
    message: say(`upstream.failed_${failure}`, { provider: label }),
    back:
      purpose.kind === 'sign_in'
        ? {
            path: `${basePath}/login?interaction=${purpose.interaction}`,
            label: say('upstream.other_ways'),
          }
        : { path: `${basePath}${connectionsPath}`, label: say('upstream.back_to_connections') },
  })
  return page(statuses[failure], html, failure === 'down' ? { 'retry-after': `${retryAfterSeconds}` } : {})
}

export const unknownProvider = () =>
  new HttpError('not_found', {
    expected: 'the id of a configured upstream provider',
    problem: 'this upstream provider is not configured',
  })

export const outOfDate = (context: Context) =>
  new OAuthError('invalid_request', {
    rule: 'RFC 6749 §10.12',
    expected: 'the unused state of a sign-in that began in this browser',
    problem: 'state is expired, was used before, or belongs to another browser',
    next: 'go back and start again',
    say: say('upstream.out_of_date'),
    ways: [wayToAccount(context)],
  })
