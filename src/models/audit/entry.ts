/** One line of the audit trail: an entry, or what remains of one that was dropped. docs/audit.md */
import type { KeyObject } from 'node:crypto'
import * as v from 'valibot'
import { hmac, sha256 } from '../../lib/hash.ts'
import { kinds, type KindName, schemaVersion } from './kinds.ts'
import { longestText } from './kind.ts'

const text = v.pipe(v.string(), v.maxLength(longestText))
const digest = v.pipe(v.string(), v.regex(/^[\w-]{43}$/))
const position = {
  v: v.literal(schemaVersion),
  chain: text,
  seq: v.pipe(v.number(), v.integer(), v.minValue(1)),
}

/** The members of every entry, in the order in which they are written. */
export const Entry = v.strictObject({
  ...position,
  /** UTC. Never before that of the entry before it. */
  time: v.pipe(v.string(), v.isoTimestamp()),
  /** The clock of the instance, where it was behind `time`. */
  clock: v.optional(v.pipe(v.string(), v.isoTimestamp())),
  kind: v.picklist(Object.keys(kinds) as KindName[]),
  outcome: v.picklist(['success', 'refused', 'failure']),
  reason: v.optional(text),
  actor: v.picklist(['person', 'client', 'operator', 'administrator', 'server', 'unproven']),
  /** The account of the operating system that ran a command. */
  operator: v.optional(text),
  /** The pseudonym of the End-User that it is about. */
  subject: v.optional(text),
  client_id: v.optional(v.pipe(v.string(), v.maxLength(2000))),
  request_id: v.optional(text),
  /** W3C Trace Context. */
  trace_id: v.optional(text),
  address: v.optional(text),
  /** The User-Agent header. */
  device: v.optional(text),
  details: v.optional(v.record(v.string(), v.unknown())),
  /** Which value of AUDIT_SIGNING_KEY made `mac`. */
  key: text,
  mac: digest,
})
export type Entry = v.InferOutput<typeof Entry>

/** What remains of an entry whose retention is over: enough to verify those after it. */
const Dropped = v.strictObject({
  ...position,
  dropped: v.literal(true),
  digest,
  key: text,
  mac: digest,
})

/** A key of AUDIT_SIGNING_KEY. */
export interface MacKey {
  id: string
  secret: KeyObject
  /** Of `linkLength` characters: what each entry is made with. */
  ofLink(text: string): string | undefined
}

/** Characters of a MAC and a digest. */
export const linkLength = 86

/** What the next entry of a chain builds on. */
export interface Link {
  seq: number
  mac: string
}

/** Where the chain begins. A chain of another name or another issuer begins elsewhere. */
export const genesis = (issuer: string, chain: string): string =>
  sha256(`latchkey audit ${schemaVersion}\n${issuer}\n${chain}`)

const macMember = /,"mac":"([\w-]{43})"\}$/
/** `,"mac":"…"}` at the end of a line. */
const tailLength = 53

/** HMAC-SHA-256 over the MAC of the entry before it and the SHA-256 of this one. */
export const macOf = (key: MacKey, before: string, digest: string): string =>
  key.ofLink(`${before}${digest}`) ?? hmac(key.secret, `${before}${digest}`)

/** `body` is the JSON of an entry without `mac`. */
export function seal(
  body: string,
  before: string,
  key: MacKey,
): { line: string; digest: string; mac: string } {
  const digest = sha256(body)
  const mac = macOf(key, before, digest)
  return { line: `${body.slice(0, -1)},"mac":"${mac}"}`, digest, mac }
}

export interface Line {
  chain: string
  seq: number
  key: string
  mac: string
  /** Of the entry, also where it was dropped. */
  digest: string
  entry?: Entry
}

/** The digest is over the text itself, so that no second way to write the same JSON exists. Undefined for other text. */
export function readLine(line: string): Line | undefined {
  let json: unknown
  try {
    json = JSON.parse(line)
  } catch {
    return undefined
  }
  if (v.is(Dropped, json)) return json
  const mac = macMember.exec(line)?.[1]
  if (mac === undefined || !v.is(Entry, json) || json.mac !== mac) return undefined
  const { chain, seq, key } = json
  return { chain, seq, key, mac, digest: sha256(`${line.slice(0, -tailLength)}}`), entry: json }
}

export const droppedLine = ({ chain, seq, digest, key, mac }: Line): string =>
  JSON.stringify({ v: schemaVersion, chain, seq, dropped: true, digest, key, mac })

/** What of an entry's details its kind does not name; undefined when all is as its kind says. */
export function misfit({ kind, details }: Entry): string | undefined {
  const { details: schemas } = kinds[kind] as { details: Record<string, v.GenericSchema> }
  for (const [name, value] of Object.entries(details ?? {}))
    if (!Object.hasOwn(schemas, name) || !v.is(schemas[name]!, value)) return name
  return undefined
}
