/** Runs the checks, and makes the report: what was found, and what a later report is compared with. */
import { readRule } from '../../auth/rule.ts'
import { OutboundError } from '../../outbound/error.ts'
import { build } from '../../version.ts'
import { printable } from '../output.ts'
import type { Check, Found, Line, Outcome } from './check.ts'
import { NotExamined } from './not_examined.ts'
import { materialOf } from './key_checks.ts'
import type { Json, Sight } from './sight.ts'

/** A public key as the report keeps it. */
interface Key {
  kid: string
  kty: string
  alg: string
  /** Empty for a key of an unknown kind. */
  thumbprint: string
}

export interface Report {
  format: 1
  issuer: string
  /** ISO 8601. */
  examined_at: string
  by: string
  /** The client_id of the test client; null without one. */
  client: string | null
  /** No check that the provider must pass has failed. */
  ok: boolean
  counts: Record<Outcome, number>
  checks: Line[]
  metadata: Json
  keys: Key[]
}

/** Characters of what was found: the provider chose parts of it. */
const longest = 600

const outcomes: readonly Outcome[] = ['pass', 'fail', 'advice', 'note', 'not_examined']

function judge(level: Line['level'], found: Found): Pick<Line, 'outcome' | 'found'> {
  const problem = (text: string): Pick<Line, 'outcome' | 'found'> => ({
    outcome: level === 'must' ? 'fail' : level === 'should' ? 'advice' : 'note',
    found: printable(text.slice(0, longest)),
  })
  if (found === undefined) return { outcome: 'pass' }
  if (typeof found === 'string') return problem(found)
  if ('note' in found)
    return { outcome: level === 'note' ? 'note' : 'pass', found: printable(found.note.slice(0, longest)) }
  return found.length === 0 ? { outcome: 'pass' } : problem(found.join('; '))
}

async function runCheck(check: Check, sight: Sight): Promise<Line> {
  const { run, level = 'must', ...row } = check
  const line = { ...row, level, link: readRule(row.rule).url }
  try {
    return { ...line, ...judge(level, await run(sight)) }
  } catch (error) {
    if (error instanceof NotExamined)
      return { ...line, outcome: 'not_examined', found: printable(error.message.slice(0, longest)) }
    if (error instanceof OutboundError)
      return { ...line, ...judge(level, `${error.message}${error.detail ? ` (${error.detail})` : ''}`) }
    throw error
  }
}

const keysOf = async (sight: Sight): Promise<readonly Json[]> => {
  try {
    return await sight.keys()
  } catch {
    return [] // a check says so
  }
}

const text = (value: unknown): string => (typeof value === 'string' ? value : '')

/** One check after the other, so that the provider sees a client and no flood. */
export async function examine(sight: Sight, checks: readonly Check[]): Promise<Report> {
  const lines: Line[] = []
  for (const check of checks) lines.push(await runCheck(check, sight))
  const count = (outcome: Outcome) => lines.filter((line) => line.outcome === outcome).length
  return {
    format: 1,
    issuer: sight.issuer,
    examined_at: new Date(sight.reach.now()).toISOString(),
    by: `latchkey ${build}`,
    client: sight.client?.client_id ?? null,
    ok: count('fail') === 0,
    counts: Object.fromEntries(outcomes.map((each) => [each, count(each)])) as Report['counts'],
    checks: lines,
    metadata: sight.metadata,
    keys: (await keysOf(sight)).map((key) => ({
      kid: text(key.kid),
      kty: text(key.kty),
      alg: text(key.alg),
      thumbprint: materialOf(key) ?? '',
    })),
  }
}
