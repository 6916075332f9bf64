/** The rules of alerts: which entries, how many in which time, of whom. docs/audit.md, "Alerts" */
import * as v from 'valibot'
import { ownMember } from '../../../lib/own_member.ts'
import { kinds, type KindName } from '../kinds.ts'

/** What a rule counts apart: each address, each End-User, each client, each operator. */
const subjects = ['address', 'person', 'client', 'operator'] as const

/** Kinds that alerts themselves write: a rule on them would raise itself. */
export const alertKinds: ReadonlySet<KindName> = new Set<KindName>(['alert_raised', 'alert_over'])

const word = v.pipe(v.string(), v.maxLength(200))
const words = v.pipe(v.array(word), v.minLength(1), v.maxLength(100))

const Kind = v.custom<KindName>(
  (name) =>
    typeof name === 'string' && ownMember(kinds, name) !== undefined && !alertKinds.has(name as KindName),
  'expected a kind of docs/audit.md, and none of alerts',
)

const Rule = v.strictObject({
  kinds: v.pipe(v.array(Kind), v.minLength(1), v.maxLength(100)),
  outcome: v.optional(v.picklist(['success', 'refused', 'failure'])),
  /** Any of these codes. */
  reasons: v.optional(words),
  /** Of each member that is named, any of these values. */
  details: v.optional(v.record(word, words)),
  threshold: v.optional(v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(1_000_000)), 1),
  /** Seconds. */
  window: v.optional(v.pipe(v.number(), v.integer(), v.minValue(10), v.maxValue(86_400)), 600),
  by: v.optional(v.picklist(subjects)),
  /** Kilometres an hour: two sign-ins of an End-User that lie further apart. It needs GEOIP_DATABASE_PATH. */
  faster_than: v.optional(v.pipe(v.number(), v.minValue(100), v.maxValue(100_000))),
  level: v.optional(v.picklist(['warning', 'critical']), 'warning'),
})
export type RuleOf = v.InferOutput<typeof Rule>
export type Rule = RuleOf & { name: string }

const name = v.pipe(v.string(), v.regex(/^[a-z][a-z0-9_]{0,39}$/, 'expected a name such as many_refusals'))
const mostRules = 50

/** `false` turns a built-in rule off. */
export const Rules = v.strictObject({
  rules: v.pipe(
    v.record(name, v.union([v.literal(false), Rule])),
    v.check((given) => Object.keys(given).length <= mostRules, `expected at most ${mostRules} rules`),
  ),
})

const guesses: KindName[] = ['sign_in_failed', 'second_factor_failed', 'passkey_failed']

const changes: KindName[] = ['changed_by_operator', 'changed_by_administrator']

const builtIn = {
  guessing_by_address: { kinds: guesses, by: 'address', threshold: 50, window: 600 },
  guessing_of_account: { kinds: guesses, by: 'person', threshold: 20, window: 600 },
  accounts_locked: { kinds: ['sign_in_locked', 'second_factor_guessed'], threshold: 5, window: 600 },
  replay: {
    kinds: [
      ...(['authorization_code_reused', 'refresh_token_reused'] as const),
      ...(['device_code_reused', 'auth_req_id_reused'] as const),
    ],
    by: 'client',
    window: 3600,
    level: 'critical',
  },
  stolen_session: { kinds: ['session_moved', 'passkey_refused'], by: 'person', window: 3600 },
  impossible_travel: { kinds: ['signed_in', 'signed_in_with'], by: 'person', faster_than: 1_000 },
  new_administrator: {
    kinds: changes,
    details: { change: ['administrator_granted'] },
    window: 60,
  },
  mass_export: {
    kinds: changes,
    details: { change: ['accounts_exported', 'audit_exported', 'backup_made'] },
    window: 60,
  },
  many_exports_by_administrators: {
    kinds: changes,
    details: { change: ['account_exported'] },
    threshold: 20,
    window: 3600,
  },
  many_exports: { kinds: ['data_exported', 'data_exported_to'], threshold: 20, window: 3600 },
  key_problem: { kinds: ['keys_failed'], window: 3600, level: 'critical' },
  keys_replaced: {
    kinds: changes,
    details: { change: ['keys_replaced', 'audit_key_rotated'] },
    window: 60,
  },
  trail_damaged: { kinds: ['audit_trail_damaged', 'stream_gap'], window: 3600, level: 'critical' },
} as const satisfies Record<string, Partial<v.InferInput<typeof Rule>> & { kinds: readonly KindName[] }>

/** The built-in rules, with what the operator changed, added and turned off. */
export function rulesOf(given: v.InferOutput<typeof Rules>['rules']): Rule[] {
  const all: Record<string, RuleOf | false> = {
    ...Object.fromEntries(
      Object.entries(builtIn).map(([each, rule]) => [each, v.parse(Rule, structuredClone(rule))]),
    ),
    ...given,
  }
  return Object.entries(all).flatMap(([each, rule]) => (rule === false ? [] : [{ ...rule, name: each }]))
}
