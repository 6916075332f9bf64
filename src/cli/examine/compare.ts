/** What changed between two reports of one provider, for example over an upgrade. Times and latencies are left out. */
import { readFile } from 'node:fs/promises'
import * as v from 'valibot'
import { UsageError } from '../failure.ts'
import { printable } from '../output.ts'
import type { Report } from './report.ts'
import { signerOf, type SignedReport } from './sign.ts'

export interface Change {
  what: string
  /** Null where it was not there. */
  before: string | null
  now: string | null
}

export interface Comparison {
  examined_at: string
  by: string
  /** The thumbprint of the key that signed the earlier report; null without a signature. */
  signed_by: string | null
  changes: Change[]
}

const Earlier = v.looseObject({
  format: v.literal(1),
  issuer: v.string(),
  examined_at: v.string(),
  by: v.string(),
  checks: v.array(v.looseObject({ id: v.string(), outcome: v.string(), found: v.optional(v.string()) })),
  metadata: v.record(v.string(), v.unknown()),
  keys: v.array(v.looseObject({ kid: v.string(), alg: v.string(), thumbprint: v.string() })),
})
type Comparable = Pick<Report, 'checks' | 'metadata' | 'keys'>

/** What differs between runs without a change of the provider. */
const unsteady = new Set(['times.latency', 'tls.certificate'])

const words = (value: unknown): string => (typeof value === 'string' ? value : (JSON.stringify(value) ?? ''))

/** By name, so that the order of members and keys does not matter. */
function facts({ checks, metadata, keys }: Comparable): Map<string, string> {
  return new Map([
    ...checks.map(({ id, outcome, found }): [string, string] => [
      `check ${id}`,
      found === undefined || unsteady.has(id) ? outcome : `${outcome}: ${found}`,
    ]),
    ...Object.entries(metadata).map(([name, value]): [string, string] => [`metadata ${name}`, words(value)]),
    ...keys.map(({ kid, alg, thumbprint }): [string, string] => [
      `key ${kid}`,
      `${alg} ${thumbprint}`.trim(),
    ]),
  ])
}

/** Throws UsageError for a file that is no report, and Refusal for one whose signature does not hold. */
export async function readReport(path: string): Promise<SignedReport> {
  const refuse = (problem: string) => new UsageError(`--compare: ${printable(path)} ${problem}`)
  let json: unknown
  try {
    json = JSON.parse(await readFile(path, 'utf8'))
  } catch (error) {
    if (error instanceof SyntaxError) throw refuse('is no JSON: name a report of --report FILE.json')
    throw error
  }
  if (!v.safeParse(Earlier, json).success) throw refuse('is no report of `latchkey examine`')
  return json as SignedReport
}

export function compare(earlier: SignedReport, report: Report): Comparison {
  if (earlier.issuer !== report.issuer)
    throw new UsageError(`--compare: the earlier report is of ${printable(earlier.issuer)}`)
  const signer = signerOf(earlier)
  const [before, now] = [facts(earlier), facts(report)]
  const changes = [...new Set([...before.keys(), ...now.keys()])].flatMap((what) => {
    const [was, is] = [before.get(what), now.get(what)]
    return was === is ? [] : [{ what, before: was ?? null, now: is ?? null }]
  })
  return { examined_at: earlier.examined_at, by: earlier.by, signed_by: signer ?? null, changes }
}
