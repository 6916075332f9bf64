/** Judges entries by the rules of alerts, as a stream reads them: counts are in the store, so that all instances count together. */
import { clientRangeOf } from '../../../lib/address.ts'
import { type Clock } from '../../../lib/clock.ts'
import type { Log } from '../../../lib/log.ts'
import type { Store } from '../../../store/store.ts'
import type { Audit } from '../audit.ts'
import type { Entry } from '../entry.ts'
import type { KindName } from '../kinds.ts'
import type { Sink } from '../stream/stream.ts'
import {
  type Active,
  activeId,
  activeIndex,
  beginActive,
  changeActive,
  endActive,
  readActive,
} from './active.ts'
import type { Rule } from './rule.ts'
import { type FindPlace, wayOf } from './travel.ts'

export interface JudgeParts {
  store: Store
  clock: Clock
  log: Log
  audit: Audit
  /** Where an address is; absent without GEOIP_DATABASE_PATH. */
  findPlace?: FindPlace | undefined
}

/** Addresses, clients and so on that one rule counts apart in its window. Who can choose them must not fill the store. */
const mostCounted = 10_000
/** Alerts of one rule in an hour that are about one each; further ones are one alert about many. */
const mostRaised = 20
const hourMs = 3_600_000
/** What is counted together beyond these bounds. */
const many = 'many'
/** An alert is not over before this time without another entry has passed. */
const quietMs = 600_000
/** Older entries are a backlog: their number says nothing of now. */
const staleMs = hourMs

interface Sum {
  rule: Rule
  of: string
  weight: number
  /** The first one, which the alert names, and the time of the newest. */
  entry: Entry
  last: number
}

export function judgeSink(parts: JudgeParts, rules: readonly Rule[]): Sink {
  const byKind = new Map<KindName, Rule[]>()
  for (const rule of rules)
    for (const kind of rule.kinds) byKind.set(kind, [...(byKind.get(kind) ?? []), rule])
  return {
    name: 'alerts',
    limits: { entries: 2_000, bytes: 2_000_000 },
    takes: new Set(byKind.keys()),
    begins: 'now',
    async send(batch) {
      for (const sum of await sums(
        parts,
        byKind,
        batch.map(({ entry }) => entry),
      ))
        await judge(parts, sum)
    },
  }
}

/** One sum for each rule and each that it counts apart: a batch of a thousand wrong passwords is one verb of the store. */
async function sums(
  { clock, store, findPlace }: JudgeParts,
  byKind: ReadonlyMap<KindName, readonly Rule[]>,
  entries: readonly Entry[],
): Promise<Iterable<Sum>> {
  const found = new Map<string, Sum>()
  for (const entry of entries)
    for (const rule of byKind.get(entry.kind) ?? []) {
      const of = counted(rule, entry)
      if (of === undefined || !fits(rule, entry)) continue
      const last = Date.parse(entry.time)
      if (rule.threshold > 1 && clock.now() - last > Math.max(staleMs, rule.window * 1000)) continue
      if (rule.faster_than !== undefined && !(await wayOf(store, findPlace, entry, rule.faster_than)))
        continue
      const key = `${rule.name}\n${of}`
      const sum = found.get(key)
      const weight = weightOf(entry)
      if (sum) Object.assign(sum, { weight: sum.weight + weight, last: Math.max(sum.last, last) })
      else found.set(key, { rule, of, weight, entry, last })
    }
  return found.values()
}

/** An entry may stand for many refusals. */
const weightOf = ({ kind, details }: Entry): number =>
  kind === 'refusals_counted' && typeof details?.count === 'number' ? details.count : 1

/** The value that the rule counts by. Undefined where the entry does not have that member, so the rule does not count it. */
function counted({ by }: Rule, { address, subject, client_id: client, operator }: Entry): string | undefined {
  if (by === undefined) return ''
  if (by === 'address') return address === undefined ? undefined : networkOf(address)
  return { person: subject, client, operator }[by]
}

/** An IPv4 address, or the /64 of an IPv6 address: one customer has all of it. */
function networkOf(address: string): string {
  const [, hex] = /^([0-9a-f]{1,16})\/64$/.exec(clientRangeOf(address)) ?? []
  const groups = hex?.padStart(16, '0').match(/.{4}/g)
  return groups ? `${groups.map((group) => group.replace(/^0{1,3}/, '')).join(':')}::/64` : address
}

function fits({ outcome, reasons, details = {} }: Rule, entry: Entry): boolean {
  if (outcome !== undefined && outcome !== entry.outcome) return false
  if (reasons && !reasons.includes(entry.reason ?? '')) return false
  return Object.entries(details).every(([name, values]) => {
    const value = entry.details?.[name]
    return (Array.isArray(value) ? value : [value]).some((each) => values.includes(String(each)))
  })
}

async function judge(parts: JudgeParts, sum: Sum): Promise<void> {
  const { rule, weight } = sum
  const count = rule.threshold === 1 ? weight : await countOf(parts, sum)
  if (count >= rule.threshold) await raise(parts, sum, count)
}

/** Counts in the window of the rule. Changes `of` of the sum where too many are counted apart. */
async function countOf({ store, audit }: Pick<JudgeParts, 'store' | 'audit'>, sum: Sum): Promise<number> {
  const { rule, weight } = sum
  const windowMs = rule.window * 1000
  const keyOf = (of: string) => `audit_alert_count:${activeId(audit, rule.name, of)}`
  const { count } = await store.increment(keyOf(sum.of), windowMs, weight)
  if (count > weight || rule.by === undefined) return count
  const { count: apart } = await store.increment(`audit_alert_apart:${rule.name}`, windowMs)
  if (apart <= mostCounted) return count
  await store.take(keyOf(sum.of))
  sum.of = many
  return (await store.increment(keyOf(many), windowMs, weight)).count
}

/** Raises the alert, or says to the one that is raised that it goes on. */
async function raise(parts: JudgeParts, sum: Sum, count: number): Promise<void> {
  const { store, clock, audit } = parts
  const { rule, entry, last } = sum
  const now = clock.now()
  const until = now + Math.max(quietMs, rule.window * 1000)
  const own = await readActive(store, activeId(audit, rule.name, sum.of))
  if (!own && rule.by !== undefined && sum.of !== many) {
    const raised = await store.increment(`audit_alert_raised:${rule.name}`, hourMs)
    if (raised.count > mostRaised) sum.of = many
  }
  const id = activeId(audit, rule.name, sum.of)
  const about = `${entry.chain}:${entry.seq}`
  const alert: Active = {
    ...{ rule: rule.name, level: rule.level, of: sum.of, count, about },
    ...{ since: Date.parse(entry.time), last, until, told: false },
  }
  const kept = await readActive(store, id)
  if (!kept) {
    // Of all instances one makes it. A record that is there and cannot be read must hide no alert.
    if (!(await beginActive(store, id, alert)) && !(await readActive(store, id))) {
      await endActive(store, id)
      await beginActive(store, id, alert)
    }
    return tell(parts, id, sum)
  }
  if (!kept.alert.told) return tell(parts, id, sum) // the instance that raised it died before it told
  // The end moves on by tenths, so that an attack does not write a record for each batch.
  if (until - kept.alert.until < (until - now) / 10) return
  await changeActive(store, id, kept, {
    ...kept.alert,
    ...{ last: Math.max(last, kept.alert.last), until, count: Math.max(count, kept.alert.count) },
  })
}

async function tell({ store, audit, log }: JudgeParts, id: string, { entry }: Sum): Promise<void> {
  const kept = await readActive(store, id)
  if (!kept || kept.alert.told) return
  await write({ audit, log }, 'alert_raised', kept.alert, entry)
  await changeActive(store, id, kept, { ...kept.alert, told: true })
}

async function write(
  { audit, log }: Pick<JudgeParts, 'audit' | 'log'>,
  kind: 'alert_raised' | 'alert_over',
  { rule, level, of, count, about, since, last }: Active,
  entry?: Entry,
): Promise<void> {
  const details = {
    ...{ rule, level, of: of.slice(0, 500), count, about },
    ...{ since: new Date(since).toISOString(), last: new Date(last).toISOString() },
  }
  log[kind === 'alert_over' ? 'info' : level === 'critical' ? 'error' : 'warn'](kind, details)
  await audit.keep({
    kind,
    outcome: kind === 'alert_over' ? 'success' : 'failure',
    actor: 'server',
    ...(entry?.subject !== undefined && { subject: entry.subject }),
    ...(entry?.client_id !== undefined && { client_id: entry.client_id }),
    ...(entry?.address !== undefined && { address: entry.address }),
    ...(entry?.operator !== undefined && { operator: entry.operator }),
    details,
  })
}

/** Alerts that are ended in one turn. */
const mostEnded = 100

/** Says which alerts are over. The note is in the trail before the record goes, so that a crash tells it twice at most. */
export async function endQuiet({ store, clock, audit, log }: Omit<JudgeParts, 'findPlace'>): Promise<void> {
  for (const { member: id } of await store.range(activeIndex, { max: clock.now(), limit: mostEnded })) {
    const kept = await readActive(store, id)
    if (kept && kept.alert.until > clock.now()) {
      await store.link(activeIndex, id, kept.alert.until)
      continue
    }
    if (kept?.alert.told) await write({ audit, log }, 'alert_over', kept.alert)
    await endActive(store, id)
  }
}
