/** Says a security event once: to the log and, where AUDIT_SIGNING_KEY is set, to the audit trail. OWASP ASVS 5.0 V16.3 */
import { readTraceParent } from '../../lib/traceparent.ts'
import type { Fields, Log } from '../../lib/log.ts'
import type { Audit } from './audit.ts'
import { type Facts, type FirstKind, type KindName, kinds } from './kinds.ts'
import { type Kind, longestText } from './kind.ts'
import type { Draft } from './trail.ts'

interface Parts {
  log: Log
  audit?: Audit | undefined
}

/** The request in which it happened. */
interface Asked {
  requestId: string
  address: string
  clientId?: string | undefined
  request?: Request
}

type Noted<K extends KindName> = K extends FirstKind ? Promise<void> : void

/**
 * The log line has the name of the kind, and all facts. The entry has those that the kind names. Of a change it resolves
 * when the entry is in the store, and rejects with StoreUnavailable otherwise. `logged` is for the log alone.
 */
export function note<K extends KindName>(
  call: Asked | undefined,
  { log, audit }: Parts,
  kind: K,
  facts: Facts<K>,
  logged?: Fields,
): Noted<K> {
  const { level, first } = kinds[kind]
  const address = facts.address ?? call?.address
  // A member that is undefined is not written.
  log[level](kind, { request_id: call?.requestId, ...facts, address, ...logged })
  if (!audit) return (first ? Promise.resolve() : undefined) as Noted<K>
  return record(call, audit, kind, facts) as Noted<K>
}

/** The entry alone, for a caller that writes a line of the log of another name. */
export function record<K extends KindName>(
  call: Asked | undefined,
  audit: Audit,
  kind: K,
  facts: Facts<K>,
): Promise<void> | undefined {
  const draft = draftOf(call, audit, kind, facts)
  if (kinds[kind].first) return audit.keep(draft)
  if (kind === 'refused') audit.refusal(draft)
  else audit.later(draft)
  return undefined
}

const clipped = (text: string): string => (text.length > longestText ? text.slice(0, longestText) : text)

const clip = (value: unknown): unknown => {
  if (typeof value === 'string') return clipped(value)
  return Array.isArray(value) ? value.slice(0, 200).map(clip) : value
}

function draftOf(call: Asked | undefined, audit: Audit, kind: KindName, facts: Facts<KindName>): Draft {
  const { outcome, actor, details: known } = kinds[kind] as Kind
  const { sub, client_id = call?.clientId, address = call?.address, reason } = facts
  const draft: Draft = { kind, outcome, actor }
  if (reason !== undefined) draft.reason = clipped(reason)
  if (actor === 'operator') draft.operator = audit.operator
  if (sub !== undefined) draft.subject = audit.pseudonym(sub)
  if (client_id !== undefined) draft.client_id = clipped(client_id)
  if (address !== undefined) draft.address = clipped(address)
  if (call) {
    draft.request_id = call.requestId
    const agent = call.request?.headers.get('user-agent')
    if (agent) draft.device = clipped(agent)
    const trace = call.request?.headers.get('traceparent')
    const traceId = audit.traceId?.() ?? (trace ? readTraceParent(trace)?.traceId : undefined)
    if (traceId !== undefined) draft.trace_id = traceId
  }
  for (const name in known) {
    const value = (facts as Record<string, unknown>)[name]
    if (value !== undefined) (draft.details ??= {})[name] = clip(value)
  }
  return draft
}
