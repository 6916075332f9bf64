/** Sections of the report that come from the audit trail: what administrators did, failed sign-ins, alerts. */
import { meanings } from '../../models/audit/formats/classes.ts'
import type { Entry } from '../../models/audit/entry.ts'
import { kinds, type KindName } from '../../models/audit/kinds.ts'
import { type Filter, type Place, searchTrail } from '../../models/audit/search.ts'
import type { Asked, Cells, Section } from './section.ts'

const pageSize = 1_000

/** All entries of these kinds in the time of the report, newest first, a page at a time. */
async function* entriesOf(
  { context, from, to, bases }: Asked,
  names: ReadonlySet<string>,
): AsyncGenerator<Entry> {
  const filter: Filter = { kinds: names, from, to }
  let after: Place | undefined
  do {
    const page = await searchTrail(context.store, filter, { limit: pageSize, most: Infinity, after, bases })
    yield* page.entries
    after = page.next
  } while (after)
}

const kindsWhere = (fits: (name: KindName) => boolean): ReadonlySet<string> =>
  new Set((Object.keys(kinds) as KindName[]).filter(fits))

/** What the vocabulary of ECS calls configuration: clients, keys, settings, accounts by others. */
const administration = kindsWhere((name) => meanings[name].category === 'configuration')

const text = (value: unknown): string =>
  typeof value === 'string' ? value : value === undefined ? '' : JSON.stringify(value)

const byWhom = ({ actor, operator, details, client_id: client }: Entry): string =>
  operator ?? (actor === 'administrator' ? text(details?.by ?? details?.by_client) : (client ?? actor))

const withoutChange = ({ details = {} }: Entry): string => {
  const { change: _, by: _by, ...rest } = details
  return Object.keys(rest).length === 0 ? '' : JSON.stringify(rest)
}

const administrators: Section = {
  name: 'administrators',
  title: 'What administrators did',
  words: () =>
    'Changes by commands, by the administration API and its pages, by clients of their own registration, of keys and of settings; the newest first. Accounts are pseudonyms.',
  head: ['Time (UTC)', 'By', 'What', 'Account', 'Client', 'Address', 'Details'],
  async *rows(asked) {
    for await (const entry of entriesOf(asked, administration))
      yield [
        entry.time,
        byWhom(entry),
        text(entry.details?.change ?? entry.kind),
        entry.subject ?? '',
        entry.client_id ?? '',
        entry.address ?? '',
        withoutChange(entry),
      ]
  },
}

const failed: ReadonlySet<string> = new Set<KindName>([
  ...(['sign_in_failed', 'second_factor_failed', 'passkey_failed', 'upstream_failed'] as const),
  ...(['sign_in_locked', 'second_factor_guessed', 'passkey_refused'] as const),
])

interface Tally {
  count: number
  first: string
  last: string
}

/** What is tallied apart. Strangers choose addresses; beyond the bound they are one row. */
const mostTallied = 10_000
const others = 'all others'

async function* tallied(
  asked: Asked,
  keyOf: (entry: Entry) => readonly string[],
): AsyncGenerator<[readonly string[], Tally]> {
  const found = new Map<string, Tally>()
  for await (const entry of entriesOf(asked, failed)) {
    const given = JSON.stringify(keyOf(entry))
    const key = found.has(given) || found.size < mostTallied ? given : JSON.stringify([others])
    const tally = found.get(key)
    // The newest comes first.
    if (tally) Object.assign(tally, { count: tally.count + 1, first: entry.time })
    else found.set(key, { count: 1, first: entry.time, last: entry.time })
  }
  const sorted = [...found].toSorted(([, a], [, b]) => b.count - a.count)
  for (const [key, tally] of sorted) yield [JSON.parse(key) as string[], tally]
}

async function* tallyRows(
  asked: Asked,
  width: number,
  keyOf: (entry: Entry) => readonly string[],
): AsyncGenerator<Cells> {
  for await (const [key, { count, first, last }] of tallied(asked, keyOf))
    yield [...Array.from({ length: width }, (_, i) => key[i] ?? ''), `${count}`, first, last]
}

const failures: Section = {
  name: 'failures',
  title: 'Failed sign-ins by kind',
  words: () => 'Wrong passwords, codes and passkeys, and locks, with the code of the reason.',
  head: ['Kind', 'Reason', 'Count', 'First (UTC)', 'Last (UTC)'],
  rows: (asked) => tallyRows(asked, 2, ({ kind, reason = '' }) => [kind, reason]),
}

const addresses: Section = {
  name: 'addresses',
  title: 'Failed sign-ins by address',
  words: () => `The most first. Of more than ${mostTallied} addresses the rest is one row.`,
  head: ['Address', 'Count', 'First (UTC)', 'Last (UTC)'],
  rows: (asked) => tallyRows(asked, 1, ({ address = 'none' }) => [address]),
}

const alerts: Section = {
  name: 'alerts',
  title: 'Alerts',
  words: () => 'Alerts that rules raised, and when they were over; the newest first.',
  head: ['Time (UTC)', 'What', 'Rule', 'Level', 'Of', 'Count', 'First entry'],
  async *rows(asked) {
    for await (const { time, kind, details = {} } of entriesOf(
      asked,
      new Set(['alert_raised', 'alert_over']),
    ))
      yield [
        time,
        kind === 'alert_over' ? 'over' : 'raised',
        ...[details.rule, details.level, details.of, details.count, details.about].map(text),
      ]
  },
}

export const trailSections: readonly Section[] = [administrators, failures, addresses, alerts]
