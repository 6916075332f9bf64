/** `latchkey user …`: accounts of End-Users, in the store of the running server. */
import { endEverything } from '../people/end_session.ts'
import { wordsAbout } from '../people/new_password.ts'
import { forgetAccountTries, hashPassword } from '../people/password.ts'
import { tellOfOperator } from '../people/tell_owner.ts'
import { linkLifetime, mailLink } from '../people/reset_link.ts'
import { say } from '../lib/say.ts'
import { Event } from '../models/event.ts'
import { stateOf } from '../people/account_state.ts'
import { User, provenEmail } from '../models/user.ts'
import * as v from 'valibot'
import type { Context } from '../contracts/context.ts'
import { listAll, withContext } from './administration.ts'
import { attributeOptions, readAttributes, readRoles } from './attribute_option.ts'
import { readClaims } from './claim_option.ts'
import { defineCommand } from './command.ts'
import { Refusal } from './failure.ts'
import { moment, print, printable, printFacts, printList, withTimes } from './output.ts'
import {
  audit,
  change,
  endAll,
  endedAnswer,
  type EndedOfOne,
  ownerWords,
  requireUser,
  taken,
} from './people.ts'
import { accountOf, clashesWith } from './new_account.ts'
import { problemsOf, UserRecord } from './user_record.ts'
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
    const read = v.safeParse(UserRecord, { username, claims, attributes, roles })
    if (!read.success) throw new Refusal(problemsOf(read.issues).join('; '))
    return withContext('accounts', async (context) => {
      const account = accountOf(read.output, context)
      await requireFree(context, account)
      const about = wordsAbout(account)
      const password_hash = await hashPassword(await readNewPassword(context, about, given['password-stdin']))
      const user = { ...account, password_hash }
      if (!(await User.create(context, user))) {
        await requireFree(context, user) // it was taken while the password was typed
        throw taken(username)
      }
      await Event.add(context, context.random, { sub: user.sub, kind: 'account_added' })
      await audit(context, 'account_added', user, { roles })
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
      const ended = await setPassword(context, user, password_hash)
      return endedAnswer(user, 'has a new password', ended)
    }),
})

/** Ends all access. Returns what was ended. May be repeated after a failure. */
export async function setPassword(context: Context, user: User, password_hash: string): Promise<EndedOfOne> {
  await endEverything(user.sub, context) // first: a stop leaves no session of the old password beside the new one
  await change(context, user, () => ({ password_hash }))
  await forgetAccountTries(user, context)
  const ended = await endAll(context, user)
  await tellOfOperator(context, user, { kind: 'password_set' })
  await audit(context, 'password_set', user)
  return ended
}

/** The operator does not see the link, because its holder chooses the password. OWASP ASVS 5.0 V6.4.6 */
export const reset = defineCommand({
  takes: ['NAME'],
  options: {},
  run: (_, [username]) =>
    withContext('accounts', async (context) => {
      if (!context.table.features.includes('recovery'))
        throw new Refusal('no link can be emailed here: set SMTP_URL and PASSWORD_RECOVERY=true')
      const user = await requireUser(context, username)
      const name = printable(user.username)
      if (user.disabled)
        throw new Refusal(`${name} is disabled; enable the account with latchkey user enable`)
      if (user.password_hash === undefined)
        throw new Refusal(`${name} has no password, so there is none to reset`)
      const to = provenEmail(user)
      if (to === undefined)
        throw new Refusal(
          `${name} has no verified email address; if you are sure of the address, mark it as verified with latchkey verify`,
        )
      await Event.add(context, context.random, { sub: user.sub, kind: 'password_asked' })
      await mailLink(context, user, { to, why: say('recovery.operator_line') })
      await audit(context, 'password_asked', user)
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

export const disable = defineCommand({
  takes: ['NAME'],
  options: {},
  run: (_, [username]) =>
    withContext('accounts', async (context) => {
      const user = await requireUser(context, username)
      const ended = await disableUser(context, user)
      return endedAnswer(user, 'is disabled', ended)
    }),
})

/** As `setPassword`. */
export async function disableUser(context: Context, user: User): Promise<EndedOfOne> {
  await change(context, user, () => ({ disabled: true })) // first, so that no new session begins
  const ended = await endAll(context, user)
  await tellOfOperator(context, user, { kind: 'account_disabled' })
  await audit(context, 'account_disabled', user)
  return ended
}

export const enable = defineCommand({
  takes: ['NAME'],
  options: {},
  run: (_, [username]) =>
    withContext('accounts', async (context) => {
      const user = await requireUser(context, username)
      await change(context, user, () => ({ disabled: false }))
      await tellOfOperator(context, user, { kind: 'account_enabled' })
      await audit(context, 'account_enabled', user)
      return {
        facts: { username: user.username, sub: user.sub, disabled: false },
        show: () => print(`${printable(user.username)} is enabled`),
      }
    }),
})

export const list = defineCommand({
  takes: [],
  options: {},
  run: () =>
    withContext('accounts', async (context) => {
      const users = await listAll((offset, limit) => User.list(context, offset, limit))
      const rows = users.map((user) => {
        const { username, sub, claims, created_at } = user
        return [username, stateOf(user), sub, claims.email ?? '', moment(created_at)]
      })
      return {
        facts: users.map(({ password_hash: _, ...user }) => ({ state: stateOf(user), ...withTimes(user) })),
        show: () =>
          printList(
            ['USERNAME', 'STATE', 'SUB', 'EMAIL', 'CREATED'],
            rows,
            'there are no accounts; latchkey user add NAME makes one',
          ),
      }
    }),
})
