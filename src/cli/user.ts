/** `latchkey user …`: the people who can sign in. Each command works on the store a running server uses. */
import type { Context } from '../context.ts'
import { wordsAbout } from '../http/new_password.ts'
import { hashPassword } from '../http/password.ts'
import { forgetTries } from '../http/rate_limit.ts'
import { endEverything } from '../http/session.ts'
import { seconds } from '../lib/clock.ts'
import { Grant } from '../models/grant.ts'
import { Session } from '../models/session.ts'
import { canonicalUsername, User } from '../models/user.ts'
import { listAll, withContext } from './administration.ts'
import { readClaims } from './claim_option.ts'
import { defineCommand, jsonOption } from './command.ts'
import { Refusal } from './failure.ts'
import { moment, print, printable, printFacts, printJson, printTable } from './output.ts'
import { passwordOption, readNewPassword } from './password_prompt.ts'

export const add = defineCommand({
  takes: ['NAME'],
  options: {
    email: {
      type: 'string',
      value: 'ADDRESS',
      help: 'The claim email; unverified, unless --claim email_verified=true',
    },
    name: { type: 'string', value: 'NAME', help: 'The claim name: the full name as it is shown' },
    claim: {
      type: 'string',
      multiple: true,
      value: 'NAME=VALUE',
      help: 'Any other claim. true, false and what begins { or [ is read as JSON, the rest as text',
    },
    ...passwordOption,
  },
  async run({ email, name, claim, 'password-stdin': fromStdin }, [username]) {
    requireGoodName(username)
    const claims = readClaims(claim, { name, email })
    await withContext('people', async (context) => {
      if (await User.findByUsername(context, username)) throw taken(username)
      const about = wordsAbout({ username, claims })
      const password_hash = await hashPassword(await readNewPassword(context, about, fromStdin))
      const now = seconds(context.clock)
      const user = {
        sub: context.random(15),
        username: username.normalize('NFC').trim(),
        password_hash,
        disabled: false,
        claims,
        created_at: now,
        updated_at: now,
      }
      if (!(await User.create(context, user))) throw taken(username)
      printFacts({ username: user.username, sub: user.sub, claims })
    })
  },
})

export const passwd = defineCommand({
  takes: ['NAME'],
  options: passwordOption,
  run: ({ 'password-stdin': fromStdin }, [username]) =>
    withContext('people', async (context) => {
      const user = await requireUser(context, username)
      const password_hash = await hashPassword(await readNewPassword(context, wordsAbout(user), fromStdin))
      await change(context, user, { password_hash })
      await forgetTries(context, 'account', canonicalUsername(username)) // whoever was locked out may try at once
      const ended = await endAll(context, user)
      print(`${printable(user.username)} has a new password; ended ${ended}`)
    }),
})

export const disable = defineCommand({
  takes: ['NAME'],
  options: {},
  run: (_, [username]) =>
    withContext('people', async (context) => {
      const user = await requireUser(context, username)
      await change(context, user, { disabled: true }) // first: from here on nobody signs in
      const ended = await endAll(context, user)
      print(`${printable(user.username)} is disabled; ended ${ended}`)
    }),
})

export const enable = defineCommand({
  takes: ['NAME'],
  options: {},
  run: (_, [username]) =>
    withContext('people', async (context) => {
      const user = await requireUser(context, username)
      await change(context, user, { disabled: false })
      print(`${printable(user.username)} may sign in`)
    }),
})

export const list = defineCommand({
  takes: [],
  options: { json: jsonOption },
  run: ({ json }) =>
    withContext('people', async (context) => {
      const users = await listAll((offset, limit) => User.list(context, offset, limit))
      if (json) return printJson(users.map(({ password_hash: _, ...user }) => user))
      printTable(
        ['USERNAME', 'STATE', 'SUB', 'EMAIL', 'CREATED'],
        users.map(({ username, disabled, sub, claims, created_at }) => {
          return [username, disabled ? 'disabled' : 'active', sub, claims.email ?? '', moment(created_at)]
        }),
      )
    }),
})

const taken = (username: string) => new Refusal(`there is a user ${printable(username)} already`)

/** Names people can type and tell apart; how alike names are joined is for `canonicalUsername` to say. */
function requireGoodName(username: string): void {
  if (canonicalUsername(username) === '' || username.length > 200 || printable(username) !== username)
    throw new Refusal('NAME must be 1 to 200 visible characters')
}

async function requireUser(context: Context, username: string): Promise<User> {
  const user = await User.findByUsername(context, username)
  if (!user)
    throw new Refusal(`there is no user ${printable(username)}; latchkey user list shows who there is`)
  return user
}

async function change(context: Context, user: User, changes: Partial<User>): Promise<void> {
  const changed = await User.update(context, user.sub, (current) => ({ ...current, ...changes }))
  if (!changed)
    throw new Refusal(`${printable(user.username)} could not be changed: the record is gone or busy`)
}

/** Milliseconds in which a request that a server had begun before the change is over. */
const inFlight = 1_000

/** Ends sessions, grants and with them all tokens, and says how many there were. */
async function endAll(context: Context, { sub }: User): Promise<string> {
  const [sessions, grants] = await Promise.all([
    Session.listOfUser(context, sub),
    Grant.listOfUser(context, sub),
  ])
  await endEverything(sub, context)
  // A sign-in or an authorization that read the record just before it changed may end just after this did.
  await Bun.sleep(inFlight)
  await endEverything(sub, context)
  return `${number(sessions.length, 'session')} and ${number(grants.length, 'grant')} with all tokens`
}

const number = (count: number, what: string): string => `${count} ${what}${count === 1 ? '' : 's'}`
