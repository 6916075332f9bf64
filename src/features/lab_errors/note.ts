/** Keeps what failed: each refusal, and each answer that a browser does not let the page read. */
import { isSecret, type Refusal, type RefusedError, revealed } from '../../auth/refusal.ts'
import type { Call } from '../../contracts/call.ts'
import type { Context } from '../../contracts/context.ts'
import type { Failure, Shown } from './failure.ts'
import { memoryOf } from './memory.ts'
import { clip, formText, hide, pairsOf, seenRequest } from './seen.ts'
import { tracesOf } from './traces.ts'

/** Regular parts of a flow, and what a browser asks for by itself. */
const routine = new Set(['authorization_pending', 'slow_down', 'use_dpop_nonce', 'not_found'])

/** Of the values that would do. */
const mostWanted = 50

const textOf = (value: unknown): string => (typeof value === 'string' ? value : (JSON.stringify(value) ?? ''))

function cameOf({ came }: Refusal, context: Context): Shown | undefined {
  if (came === undefined) return undefined
  return isSecret(came) ? hide(textOf(revealed(came)), context) : { text: clip(textOf(came)) }
}

/** Values that one may choose from are a list of texts; any other value is one text. */
function wantedOf({ wanted, came }: Refusal): string[] | undefined {
  if (wanted === undefined || isSecret(wanted)) return undefined
  const isChoice = Array.isArray(wanted) && !Array.isArray(came)
  return (isChoice ? (wanted as unknown[]) : [wanted]).slice(0, mostWanted).map((each) => clip(textOf(each)))
}

type Reason = Pick<Failure, 'kind' | 'status'> & { refusal: Readonly<Refusal> }

/** Reads on after the answer, so that no client waits for it. */
function keep(call: Call, context: Context, reason: Reason): void {
  const { reading } = memoryOf(context)
  const read = keepRead(call, context, reason)
    .catch((fault: Error) => context.log.debug('lab_error_not_kept', { problem: fault.message }))
    .finally(() => void reading.delete(call.requestId))
  reading.set(call.requestId, read)
}

async function keepRead(call: Call, context: Context, { kind, status, refusal }: Reason): Promise<void> {
  const at = context.clock.now()
  const text = await formText(call)
  const query = new Map(pairsOf(call.search))
  const traces = await tracesOf({ call, context, refusal, form: new Map(pairsOf(text)), query })
  const failure: Failure = {
    id: call.requestId,
    at,
    kind,
    code: refusal.code,
    status,
    rule: refusal.rule,
    expected: clip(refusal.expected, 1_000),
    came: cameOf(refusal, context),
    wanted: wantedOf(refusal),
    problem: refusal.problem && clip(refusal.problem, 1_000),
    next: refusal.next && clip(refusal.next, 1_000),
    request: seenRequest(call, context, text),
    clientId: call.clientId && clip(call.clientId),
    traces,
    clock: context.clock.lab?.state(),
  }
  const kept = traces.secret?.isClientId ? withoutClientId(failure) : failure
  const { failures, routine: regular } = memoryOf(context)
  const list = routine.has(refusal.code) ? regular : failures
  list.add(kept, 2 * JSON.stringify(kept).length)
}

/** The secret came where the client_id belongs, and the client_id where the secret belongs. */
function withoutClientId(failure: Failure): Failure {
  const without = ({ client_id: _, ...others }: Failure['request']['form']) => others
  const { request } = failure
  return {
    ...failure,
    clientId: undefined,
    came: undefined,
    wanted: undefined,
    problem: undefined,
    request: { ...request, form: without(request.form), query: without(request.query) },
  }
}

export const noteRefused = (call: Call, context: Context, { status, refusal }: RefusedError): void =>
  keep(call, context, { kind: 'refused', status, refusal })

/** A browser does not let a script of another origin read the answer. */
export function noteBlocked(call: Call, context: Context, status: number): void {
  const origin = call.request.headers.get('origin') ?? ''
  if (call.refused) return memoryOf(context).blocked.set(call.requestId, true, 100)
  const refusal: Refusal = {
    code: 'cors_blocked',
    rule: 'RFC 9110 §15.5.4',
    expected: 'Access-Control-Allow-Origin for the Origin of the page',
    came: origin,
    problem: `the browser does not let the page at ${clip(origin)} read this answer`,
  }
  keep(call, context, { kind: 'blocked', status, refusal })
}
