/** An entry as a document of the Elastic Common Schema. What it has no field for is below `latchkey`. https://www.elastic.co/docs/reference/ecs */
import type { Entry } from '../entry.ts'
import type { Kind } from '../kind.ts'
import { kinds } from '../kinds.ts'
import { isIP } from '../../../lib/ip.ts'
import { meanings } from './classes.ts'
import type { Origin } from './origin.ts'

const outcomes = { success: 'success', refused: 'failure', failure: 'failure' } as const
const severities = { info: 6, warn: 4, error: 3 } as const

export function ecs(entry: Entry, { issuer, version }: Origin): Record<string, unknown> {
  const { kind, time, chain, seq, outcome, subject, client_id: client, address, device } = entry
  const { category, types, class: name } = meanings[kind]
  const { words, level } = kinds[kind] as Kind
  return {
    '@timestamp': time,
    ecs: { version: '8.17.0' },
    message: words,
    log: { level, logger: 'audit' },
    event: {
      kind: name === 'detection_finding' ? 'alert' : 'event',
      category: [category],
      type: types,
      action: kind,
      outcome: outcomes[outcome] ?? 'unknown',
      reason: entry.reason,
      id: `${chain}:${seq}`,
      sequence: seq,
      module: 'latchkey',
      dataset: 'latchkey.audit',
      provider: issuer,
      severity: severities[level],
    },
    service: { name: 'latchkey', type: 'latchkey', version, node: { name: chain } },
    ...((subject !== undefined || entry.operator !== undefined) && { user: userOf(entry) }),
    ...(address !== undefined && {
      source: { address, ...(isIP(address) > 0 && { ip: address }) },
    }),
    ...(device !== undefined && { user_agent: { original: device } }),
    ...(entry.request_id !== undefined && { http: { request: { id: entry.request_id } } }),
    ...(entry.trace_id !== undefined && { trace: { id: entry.trace_id } }),
    latchkey: {
      chain,
      seq,
      actor: entry.actor,
      outcome,
      client_id: client,
      details: entry.details,
      key: entry.key,
      mac: entry.mac,
    },
  }
}

const target = (subject: string | undefined) => (subject === undefined ? undefined : { id: subject })

/** Who did it; another whom it is about is the target. */
function userOf({ actor, operator, subject, details }: Entry): Record<string, unknown> {
  if (operator !== undefined) return { name: operator, target: target(subject) }
  return actor === 'administrator' ? { id: details?.by, target: target(subject) } : { id: subject }
}
