/** An entry as an event of the Open Cybersecurity Schema Framework. https://schema.ocsf.io/1.8.0 */
import { type Entry } from '../entry.ts'
import { kinds, schemaVersion } from '../kinds.ts'
import type { Kind } from '../kind.ts'
import { meanings, type OcsfClass, ocsfClasses } from './classes.ts'
import type { Origin } from './origin.ts'

const version = '1.8.0'

const severities = { info: [1, 'Informational'], warn: [3, 'Medium'], error: [4, 'High'] } as const
const statuses = {
  success: [1, 'Success'],
  refused: [2, 'Failure'],
  failure: [2, 'Failure'],
} as const

export function ocsf(entry: Entry, { issuer, version: product }: Origin): Record<string, unknown> {
  const { kind, time, chain, seq, outcome } = entry
  const meaning = meanings[kind]
  const { words, level } = kinds[kind] as Kind
  const { uid, name } = ocsfClasses[meaning.class]
  const [severityId, severity] = severities[level]
  const [statusId, status] = statuses[outcome] ?? [0, 'Unknown']
  return {
    activity_id: meaning.activity,
    activity_name: kind,
    category_uid: Math.floor(uid / 1000),
    class_uid: uid,
    class_name: name,
    type_uid: uid * 100 + meaning.activity,
    time: Date.parse(time),
    message: words,
    severity_id: severityId,
    severity,
    status_id: statusId,
    status,
    status_detail: entry.reason,
    metadata: {
      version,
      product: { name: 'Latchkey', vendor_name: 'Latchkey', version: product, url_string: issuer },
      uid: `${chain}:${seq}`,
      sequence: seq,
      event_code: kind,
      log_name: 'audit',
      log_version: `${schemaVersion}`,
      original_time: time,
      correlation_uid: entry.trace_id,
    },
    ...byClass[meaning.class](entry, issuer),
    ...(hasRequest(meaning.class) && { ...requestOf(entry), actor: actorOf(entry) }),
    unmapped: unmapped(entry),
  }
}

/** The others have neither, without a profile of their own. */
const hasRequest = (name: OcsfClass): boolean =>
  name !== 'application_lifecycle' && name !== 'detection_finding'

const unknown = 'unknown'

/** The pseudonym of the End-User; without one the client that it is about. */
const userOf = ({ subject, client_id: client }: Entry) =>
  subject === undefined && client !== undefined
    ? { uid: client, type_id: 3, type: 'System' }
    : { uid: subject ?? unknown, type_id: subject === undefined ? 0 : 1, type: subject ? 'User' : 'Unknown' }

function actorOf(entry: Entry): Record<string, unknown> {
  const { actor, operator, subject, client_id: client } = entry
  if (actor === 'operator') return { user: { name: operator ?? unknown, type_id: 2, type: 'Admin' } }
  const { by, by_client: ofClient } = entry.details ?? {}
  if (actor === 'administrator')
    return {
      ...(by !== undefined && { user: { uid: by, type_id: 2, type: 'Admin' } }),
      app_name: actor,
      app_uid: ofClient,
    }
  if (actor === 'person' && subject !== undefined)
    return { user: { uid: subject, type_id: 1, type: 'User' }, app_uid: client }
  return { app_name: actor === 'server' ? 'Latchkey' : actor, app_uid: client }
}

const endpointOf = ({ address, chain }: Entry) => (address === undefined ? { name: chain } : { ip: address })

function requestOf({ request_id: id, device, details }: Entry): Record<string, unknown> {
  if (id === undefined) return {}
  const path = details?.path
  return {
    http_request: {
      uid: id,
      user_agent: device,
      ...(typeof path === 'string' && { url: { path } }),
    },
  }
}

const entityOf = ({ kind, client_id: client, chain, details }: Entry) => {
  const change = details?.change
  if (client !== undefined) return { uid: client, type: 'Client' }
  return { name: typeof change === 'string' ? change : kind, type: 'Configuration', data: { chain } }
}

/** What each class needs beside the members of all. */
const byClass = {
  authentication: (entry: Entry, issuer: string) => ({
    user: userOf(entry),
    service: { name: issuer },
    src_endpoint: endpointOf(entry),
    is_remote: true,
  }),
  account_change: (entry: Entry) => ({ user: userOf(entry), src_endpoint: endpointOf(entry) }),
  entity_management: (entry: Entry) => ({ entity: entityOf(entry) }),
  application_lifecycle: (entry: Entry) => ({
    app: { name: 'Latchkey', vendor_name: 'Latchkey', uid: entry.chain },
  }),
  api_activity: (entry: Entry, issuer: string) => ({
    api: { operation: entry.kind, service: { name: issuer } },
    src_endpoint: endpointOf(entry),
  }),
  detection_finding: (entry: Entry) => ({
    finding_info: {
      uid: `${entry.chain}:${entry.seq}`,
      title: (kinds[entry.kind] as Kind).words,
      types: [entry.kind],
    },
  }),
} as const

/** With it the entry can be found in the trail, and nothing is lost. */
const unmapped = ({ chain, seq, actor, outcome, details, key, mac, client_id, request_id }: Entry) => ({
  chain,
  seq,
  actor,
  outcome,
  client_id,
  request_id,
  details,
  key,
  mac,
})
