/** `latchkey user …`: accounts of End-Users, in the store of the running server. */
import { peopleStates } from '../models/people_index.ts'
import { peopleSorts, searchPeople } from '../models/people_search.ts'
import {
  addAccount,
  disableAccount,
  enableAccount,
  resetAddress,
  sendReset,
  setPassword,
} from '../people/account_changes.ts'
import { wordsAbout } from '../people/new_password.ts'
import { hashPassword } from '../people/password.ts'
import { linkLifetime } from '../people/reset_link.ts'
import { stateOf } from '../people/account_state.ts'
import { User } from '../models/user.ts'
import * as v from 'valibot'
import type { Context } from '../contracts/context.ts'
import { withContext } from './administration.ts'
import { attributeOptions, readAttributes, readRoles } from './attribute_option.ts'
import { readClaims } from './claim_option.ts'
import { defineCommand } from './command.ts'
import { Refusal } from './failure.ts'
import { moment, print, printable, printFacts, printList, withTimes } from './output.ts'
import { chosen, found, searchOptions } from './search_options.ts'
import { endedAnswer, ownerWords, requireChanged, requireUser, taken } from './people.ts'
import { accountOf, clashesWith } from '../people/new_account.ts'
import { AccountRecord, problemsOf } from '../people/account_record.ts'
import { passwordOption, readNewPassword } from './password_prompt.ts'

export const add = defineCommand({
  takes: ['NAME'],
  options: {
    email: { type: 'string', value: 'ADDRESS', help: 'Email address (claim email), unverified' },
    'email-verified': {
      type: 'boolean',
      help: 'The address is theirs: you are sure of it, and they need not prove it',
    },
    name: { type: 'string', value: 'NAME', help: 'Full name (claim name)' },
    claim: {
      type: 'string',
      multiple: true,
      value: 'NAME=VALUE',
      help: 'Another claim. true, false, and values that start with { or [ are read as JSON, others are text',
    },
    ...attributeOptions,
    ...passwordOption,
  },
  async run(given, [username]) {
    const attributes = readAttributes(given.attribute)
    const roles = readRoles(given.role)
    const { email, name } = given
    const claims = readClaims(given.claim, { name, email }, given['email-verified'])
    const read = v.safeParse(AccountRecord, { username, claims, attributes, roles })
    if (!read.success) throw new Refusal(problemsOf(read.issues).join('; '))
    return withContext('accounts', async (context) => {
      const account = accountOf(read.output, context)
      await requireFree(context, account)
      const about = wordsAbout(account)
      const password_hash = await hashPassword(await readNewPassword(context, about, given['password-stdin']))
      const user = { ...account, password_hash }
      if (!(await addAccount(context, 'operator', user))) {
        await requireFree(context, user) // it was taken while the password was typed
        throw taken(username)
      }
      const facts = {
        username: user.username,
        sub: user.sub,
        claims: user.claims,
        ...(roles.length > 0 && { roles }),
        ...(given.attribute && { attributes }),
      }
      const hint = await emailHint(context, user)
      return {
        facts: { ...facts, ...(hint !== undefined && { note: hint }) },
        show() {
          printFacts(facts)
          if (hint !== undefined) print(`\n${hint}`)
        },
      }
    })
  },
})

/** Throws Refusal that names what another account has. */
async function requireFree(context: Context, account: User): Promise<void> {
  const clashes = await clashesWith(account, context)
  if (clashes.length === 0) return
  const { username, claims } = account
  if (await User.findByUsername(context, username)) throw taken(username)
  const address = printable(claims.email)
  throw new Refusal(
    clashes.map((each) => (each.startsWith('email:') ? `${each}, ${address}` : each)).join('; '),
  )
}

/** What to do about an address that is not proven. */
async function emailHint(context: Context, { username, sub, claims }: User): Promise<string | undefined> {
  if (typeof claims.email !== 'string' || claims.email_verified === true) return undefined
  const [address, name] = [printable(claims.email), printable(username)]
  const owner = await User.findByAddress(context, claims.email)
  return owner && owner.sub !== sub
    ? `${ownerWords(claims.email, owner)}, so this account cannot verify it.`
    : `${address} is not verified: no mail that gives access is sent there. If you are sure of it, latchkey verify ${name}, or next time --email-verified.`
}

export const passwd = defineCommand({
  takes: ['NAME'],
  options: passwordOption,
  run: ({ 'password-stdin': fromStdin }, [username]) =>
    withContext('accounts', async (context) => {
      const user = await requireUser(context, username)
      const password_hash = await hashPassword(await readNewPassword(context, wordsAbout(user), fromStdin))
      const ended = await setPassword(context, 'operator', user, password_hash)
      return endedAnswer(user, 'has a new password', ended)
    }),
})

/** The operator does not see the link, because its holder chooses the password. OWASP ASVS 5.0 V6.4.6 */
export const reset = defineCommand({
  takes: ['NAME'],
  options: {},
  run: (_, [username]) =>
    withContext('accounts', async (context) => {
      const user = await requireUser(context, username)
      const name = printable(user.username)
      const to = addressFor(context, user)
      await sendReset(context, 'operator', user, to)
      const minutes = linkLifetime / 60
      return {
        facts: { username: user.username, sub: user.sub, email: to, expires_in: linkLifetime },
        show: () =>
          print(
            `a running server mails ${printable(to)} a link to choose a new password, valid for ${minutes} minutes; ` +
              `until then the old one works, and latchkey sessions end signs ${name} out`,
          ),
      }
    }),
})

/** Throws Refusal. */
function addressFor(context: Context, user: User): string {
  const found = resetAddress(context, user)
  if (typeof found === 'object') return found.to
  const name = printable(user.username)
  const words = {
    no_recovery: 'no link can be emailed here: set SMTP_URL and PASSWORD_RECOVERY=true',
    disabled: `${name} is disabled; enable the account with latchkey user enable`,
    no_password: `${name} has no password, so there is none to reset`,
    no_address: `${name} has no verified email address; if you are sure of the address, mark it as verified with latchkey verify`,
  }
  throw new Refusal(words[found])
}

export const disable = defineCommand({
  takes: ['NAME'],
  options: {},
  run: (_, [username]) =>
    withContext('accounts', async (context) => {
      const user = await requireUser(context, username)
      const ended = requireChanged(user, await disableAccount(context, 'operator', user))
      return endedAnswer(user, 'is disabled', ended)
    }),
})

export const enable = defineCommand({
  takes: ['NAME'],
  options: {},
  run: (_, [username]) =>
    withContext('accounts', async (context) => {
      const user = await requireUser(context, username)
      await enableAccount(context, 'operator', user)
      return {
        facts: { username: user.username, sub: user.sub, disabled: false },
        show: () => print(`${printable(user.username)} is enabled`),
      }
    }),
})

export const list = defineCommand({
  takes: [],
  options: {
    ...searchOptions,
    sort: { type: 'string', value: 'ORDER', help: peopleSorts.join(', ') },
    state: { type: 'string', value: 'STATE', help: `Only accounts that are ${peopleStates.join(', ')}` },
    role: { type: 'string', value: 'ROLE', help: 'Only accounts with this role' },
  },
  async run({ role, ...given }) {
    const sort = chosen('sort', given.sort, peopleSorts)
    const filter = { role, state: chosen('state', given.state, peopleStates) }
    return withContext('accounts', async (context) => {
      const { items: users, note } = await found(given, (wanted) =>
        searchPeople(context, { ...wanted, filter, sort }),
      )
      const rows = users.map((user) => {
        const { username, sub, claims, created_at } = user
        return [username, stateOf(user), sub, claims.email ?? '', moment(created_at)]
      })
      const isAll = [given.search, role, filter.state].every((each) => each === undefined)
      return {
        facts: users.map(({ password_hash: _, ...user }) => ({ state: stateOf(user), ...withTimes(user) })),
        show() {
          printList(
            ['USERNAME', 'STATE', 'SUB', 'EMAIL', 'CREATED'],
            rows,
            isAll
              ? 'there are no accounts; latchkey user add NAME makes one'
              : 'no account has all of that; latchkey user list shows all accounts',
          )
          note()
        },
      }
    })
  },
})
