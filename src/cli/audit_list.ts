/** `latchkey audit list`: entries of the audit trail, newest first. docs/audit.md */
import { ownMember } from '../lib/own_member.ts'
import { kinds } from '../models/audit/kinds.ts'
import { type Filter, placeText, readPlace, searchTrail } from '../models/audit/search.ts'
import { User } from '../models/user.ts'
import { withTrail } from './audit_store.ts'
import { defineCommand } from './command.ts'
import { Refusal, UsageError } from './failure.ts'
import type { Opened } from './open.ts'
import { readMoment } from './moment_option.ts'
import { print, printable, printList } from './output.ts'

const usual = 50
const mostShown = 10_000
/** Entries that one call reads: about a second for each 100,000. */
const mostLooked = 1_000_000

const options = {
  kind: {
    type: 'string',
    multiple: true,
    value: 'KIND',
    help: 'Only these kinds (docs/audit.md); repeatable',
  },
  outcome: { type: 'string', value: 'OUTCOME', help: 'success, refused or failure' },
  actor: {
    type: 'string',
    value: 'ACTOR',
    help: 'person, client, administrator, operator, server or unproven',
  },
  user: { type: 'string', value: 'USER', help: 'The account, by its username or sub' },
  subject: { type: 'string', value: 'PSEUDONYM', help: 'The End-User, by the pseudonym of the entries' },
  client: { type: 'string', value: 'CLIENT_ID', help: 'The client' },
  operator: { type: 'string', value: 'NAME', help: 'The account of the machine that ran a command' },
  address: { type: 'string', value: 'ADDRESS', help: 'The address of the request' },
  from: { type: 'string', value: 'TIME', help: 'From this date, time, or so long ago: 2026-01-31, 12h, 30d' },
  to: { type: 'string', value: 'TIME', help: 'Up to this date, time, or so long ago' },
  last: { type: 'string', value: 'N', help: `The newest N entries. Default: ${usual}` },
  after: { type: 'string', value: 'PLACE', help: 'Go on where an earlier list ended' },
} as const

const outcomes = ['success', 'refused', 'failure']
const actors = ['person', 'client', 'administrator', 'operator', 'server', 'unproven']

function oneOf(option: string, text: string | undefined, words: readonly string[]): string | undefined {
  if (text === undefined || words.includes(text)) return text
  throw new UsageError(`--${option}: expected one of ${words.join(', ')}, got ${printable(text)}`)
}

function kindsOf(names: readonly string[] | undefined): ReadonlySet<string> | undefined {
  const unknown = names?.find((name) => ownMember(kinds, name) === undefined)
  if (unknown !== undefined)
    throw new UsageError(
      `--kind: expected a kind of docs/audit.md such as signed_in, got ${printable(unknown)}`,
    )
  return names && new Set(names)
}

function countOf(text: string | undefined): number {
  const count = Number(text ?? usual)
  if (!Number.isInteger(count) || count < 1 || count > mostShown)
    throw new UsageError(`--last: expected a whole number from 1 to ${mostShown}, got ${printable(text)}`)
  return count
}

export const list = defineCommand({
  takes: [],
  options,
  async run(given) {
    const now = Date.now()
    const after = given.after === undefined ? undefined : readPlace(given.after)
    if (given.after !== undefined && !after)
      throw new UsageError(`--after: expected what an earlier list named, got ${printable(given.after)}`)
    if (given.user !== undefined && given.subject !== undefined)
      throw new UsageError('--user and --subject name the same thing: give one')
    const limit = countOf(given.last)
    const asked: Filter = {
      kinds: kindsOf(given.kind),
      outcome: oneOf('outcome', given.outcome, outcomes),
      actor: oneOf('actor', given.actor, actors),
      subject: given.subject,
      client: given.client,
      operator: given.operator,
      address: given.address,
      from: given.from === undefined ? undefined : readMoment('from', given.from, now),
      to: given.to === undefined ? undefined : readMoment('to', given.to, now),
    }
    return withTrail(async (audit, opened) => {
      const sub = given.user === undefined ? undefined : await subOf(opened, given.user)
      const filter = sub === undefined ? asked : { ...asked, subject: audit.pseudonym(sub) }
      const newest = await audit.checkpoints.newest()
      const { entries, next, looked } = await searchTrail(opened.store, filter, {
        limit,
        after,
        most: mostLooked,
        bases: newest?.checkpoint.chains,
      })
      const place = next && placeText(next)
      return {
        facts: { entries, next: place, looked },
        show() {
          printList(
            ['TIME', 'KIND', 'OUTCOME', 'ACTOR', 'SUBJECT', 'CLIENT', 'ADDRESS', 'DETAILS'],
            entries.map((entry) => [
              entry.time,
              entry.kind,
              entry.reason === undefined ? entry.outcome : `${entry.outcome} (${entry.reason})`,
              entry.operator ?? entry.actor,
              entry.subject ?? '',
              entry.client_id ?? '',
              entry.address ?? '',
              entry.details === undefined ? '' : JSON.stringify(entry.details),
            ]),
            `No entry fits, of ${looked} that were read.`,
          )
          if (place !== undefined) print(`There is more: go on with --after ${place}`)
        },
      }
    })
  },
})

async function subOf(opened: Opened, name: string): Promise<string> {
  const user = (await User.findByUsername(opened, name)) ?? (await User.find(opened, name))
  if (!user) throw new Refusal(`there is no account ${printable(name)}: name one that has ended by --subject`)
  return user.sub
}
