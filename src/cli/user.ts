/** `latchkey user …`: the people who can sign in. Each command works on the store a running server uses. */
import { wordsAbout } from '../http/new_password.ts'
import { hashPassword } from '../http/password.ts'
import { forgetTries } from '../http/rate_limit.ts'
import { seconds } from '../lib/clock.ts'
import { canonicalUsername, User } from '../models/user.ts'
import { listAll, withContext } from './administration.ts'
import { attributeOptions, readAttributes, readRoles } from './attribute_option.ts'
import { readClaims } from './claim_option.ts'
import { defineCommand, jsonOption } from './command.ts'
import { moment, print, printable, printFacts, printJson, printTable } from './output.ts'
import { change, endAll, requireGoodName, requireUser, taken } from './people.ts'
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
    ...attributeOptions,
    ...passwordOption,
  },
  async run({ email, name, claim, attribute, role, 'password-stdin': fromStdin }, [username]) {
    requireGoodName(username)
    const attributes = readAttributes(attribute)
    const roles = readRoles(role)
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
        attributes,
        roles,
        created_at: now,
        updated_at: now,
      }
      if (!(await User.create(context, user))) throw taken(username)
      printFacts({
        username: user.username,
        sub: user.sub,
        claims,
        ...(roles.length > 0 && { roles }),
        ...(attribute && { attributes }),
      })
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
      await change(context, user, () => ({ password_hash }))
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
      await change(context, user, () => ({ disabled: true })) // first: from here on nobody signs in
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
      await change(context, user, () => ({ disabled: false }))
      print(`${printable(user.username)} may sign in`)
    }),
})

/** `leaving` asked for the end of their account, and may still sign in to keep it. */
const stateOf = ({ disabled, leaving_at }: User): string => {
  if (disabled) return 'disabled'
  return leaving_at === undefined ? 'active' : 'leaving'
}

export const list = defineCommand({
  takes: [],
  options: { json: jsonOption },
  run: ({ json }) =>
    withContext('people', async (context) => {
      const users = await listAll((offset, limit) => User.list(context, offset, limit))
      if (json) return printJson(users.map(({ password_hash: _, ...user }) => user))
      printTable(
        ['USERNAME', 'STATE', 'SUB', 'EMAIL', 'CREATED'],
        users.map((user) => {
          const { username, sub, claims, created_at } = user
          return [username, stateOf(user), sub, claims.email ?? '', moment(created_at)]
        }),
      )
    }),
})
