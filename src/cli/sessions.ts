/** `latchkey sessions …`: lists and ends the sessions of accounts. */
import { note } from '../models/audit/note.ts'
import type { Context } from '../contracts/context.ts'
import { tellOfOperator } from '../people/tell_owner.ts'
import { endAll, endAllAccounts } from '../people/end_access.ts'
import { endSession } from '../people/end_session.ts'
import { createBirth } from '../models/birth.ts'
import { Session } from '../models/session.ts'
import { User } from '../models/user.ts'
import { withContext } from './administration.ts'
import { type Answer, defineCommand } from './command.ts'
import { Refusal, UsageError } from './failure.ts'
import { moment, print, printable, printList } from './output.ts'
import { found, searchOptions } from './search_options.ts'
import { audit, endedWords, number, requireUser } from './people.ts'

const factsOf = (session: Session) => ({
  sid: session.sid,
  signed_in_at: moment(Math.floor(session.authenticated_at / 1000)),
  last_used_at: moment(session.seen_at),
  ends_at: moment(session.exp),
  acr: session.acr,
  amr: session.amr,
  address: session.address,
  user_agent: session.user_agent,
  clients: session.clients,
})

const columns = ['SID', 'SIGNED IN', 'LAST USED', 'BY', 'ADDRESS', 'CLIENTS']
const rowOf = (each: ReturnType<typeof factsOf>) => [
  each.sid,
  each.signed_in_at,
  each.last_used_at,
  each.amr.join(' '),
  each.address ?? '',
  each.clients.length,
]

export const list = defineCommand({
  takes: ['NAME'],
  options: {
    everybody: {
      type: 'boolean',
      instead: true,
      help: 'List the sessions of all accounts, the most recently used first',
    },
    limit: searchOptions.limit,
  },
  run({ everybody, limit }, [name]) {
    if (limit !== undefined && !everybody) throw new UsageError('--limit goes with --everybody')
    return withContext('accounts', async (context) => {
      if (everybody) return listOfAllAccounts(context, limit)
      const user = await requireUser(context, name)
      const sessions = (await Session.listOfUser(context, user.sub)).map(factsOf)
      return {
        facts: sessions,
        show: () => printList(columns, sessions.map(rowOf), `${printable(name)} has no session`),
      }
    })
  },
})

async function listOfAllAccounts(context: Context, limit: string | undefined): Promise<Answer> {
  const { items } = await found(
    { descending: true, ...(limit !== undefined && { limit }) },
    async (wanted) => ({
      ...(await Session.page(context, { ...wanted, matches: () => true })),
      complete: true,
    }),
  )
  const names = new Map<string, string>()
  for (const { sub } of items)
    if (!names.has(sub)) names.set(sub, (await User.find(context, sub))?.username ?? '')
  const sessions = items.map((session) => ({
    username: names.get(session.sub) ?? '',
    sub: session.sub,
    ...factsOf(session),
  }))
  return {
    facts: sessions,
    show: () =>
      printList(
        ['ACCOUNT', ...columns],
        sessions.map((each) => [printable(each.username), ...rowOf(each)]),
        'there are no sessions',
      ),
  }
}

export const end = defineCommand({
  takes: ['NAME'],
  options: {
    sid: { type: 'string', value: 'SID', help: 'End only this session. Default: all sessions and tokens' },
    everybody: {
      type: 'boolean',
      instead: true,
      help: 'End all sessions, grants and tokens of all accounts',
    },
    yes: { type: 'boolean', help: 'Confirm --everybody' },
  },
  run({ sid, everybody, yes }, [name]) {
    if (everybody && sid !== undefined)
      throw new UsageError('--sid names one session, --everybody all: give one of them')
    if (everybody && !yes)
      throw new UsageError('--everybody signs out all users of all applications: add --yes to confirm')
    if (!everybody && yes) throw new UsageError('--yes goes with --everybody')
    return withContext('accounts', async (context) => {
      if (everybody) return endOfAllAccounts(context)
      const user = await requireUser(context, name)
      if (sid === undefined) {
        const { length } = await Session.listOfUser(context, user.sub)
        const ended = await endAll(context, user)
        await tellOfOperator(context, user, { kind: 'signed_out_by_operator' })
        await audit(context, 'sessions_ended', user)
        return {
          facts: { username: user.username, ended: length },
          show: () => print(`ended ${endedWords(ended)}`),
        }
      }
      const session = await Session.find(context, sid)
      if (session?.sub !== user.sub)
        throw new Refusal(
          `${printable(user.username)} has no session ${printable(sid)}; latchkey sessions list shows them`,
        )
      await endSession(sid, context)
      await audit(context, 'session_ended', user, { sid })
      return {
        facts: { username: user.username, ended: 1 },
        show: () => print(`ended the session ${printable(sid)} with all tokens`),
      }
    })
  },
})

/** OWASP ASVS 5.0 V7.4.5 */
async function endOfAllAccounts(context: Context): Promise<Answer> {
  const ended = await endAllAccounts(context)
  await createBirth(context).renew() // tokens and assertions that no account has, too
  await note(undefined, context, 'changed_by_operator', { change: 'all_sessions_ended', ...ended })
  const { people, sessions, grants } = ended
  return {
    facts: ended,
    show: () =>
      print(
        `ended ${number(sessions, 'session')} and ${number(grants, 'grant')} of ${number(people, 'account')} with all tokens`,
      ),
  }
}
