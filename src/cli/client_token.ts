/** `latchkey client token …`: initial access tokens, with which developers register clients. https://www.rfc-editor.org/rfc/rfc7591#section-3 */
import { misfitOfLimits, type RegistrationLimits } from '../auth/registration_limits.ts'
import {
  addInitialToken,
  longestTokenLife,
  mostUses,
  removeInitialToken,
} from '../endpoints/operator_tokens.ts'
import type { Context } from '../contracts/context.ts'
import { limitChoices } from '../endpoints/registration.ts'
import { InitialAccessToken } from '../models/initial_access_token.ts'
import { withContext } from './administration.ts'
import { defineCommand, type Values } from './command.ts'
import { Refusal, UsageError } from './failure.ts'
import { moment, print, printable, printFacts, printList, withTimes } from './output.ts'
import { readTime } from './time_option.ts'

const options = {
  uses: { type: 'string', value: 'N', help: 'How many clients may register with it. Default: 1' },
  'expires-in': {
    type: 'string',
    value: 'TIME',
    help: 'Lifetime, for example 90m, 12h or 30d. Default: 30d',
  },
  scope: {
    type: 'string',
    multiple: true,
    value: 'SCOPE',
    help: 'Scopes that clients may register. Default: REGISTRATION_ALLOWED_SCOPES',
  },
  'grant-type': {
    type: 'string',
    multiple: true,
    value: 'NAME',
    help: 'Grant types that clients may register. Default: REGISTRATION_ALLOWED_GRANT_TYPES',
  },
  'auth-method': {
    type: 'string',
    multiple: true,
    value: 'METHOD',
    help: 'Authentication methods that clients may register. Default: all supported',
  },
  'redirect-host': {
    type: 'string',
    multiple: true,
    value: 'HOST',
    help: 'Hosts allowed in redirect URIs, for example app.example or *.app.example. Default: any',
  },
} as const

export const add = defineCommand({
  takes: ['NAME'],
  options,
  async run(given, [name]) {
    const uses = readUses(given.uses ?? '1')
    const lifetime = readTime('expires-in', given['expires-in'] ?? '30d', longestTokenLife)
    return withContext('clients', async (context) => {
      const limits = readLimits(given, context)
      const { record, token } = await addInitialToken(context, 'operator', { name, uses, lifetime, limits })
      const made = { id: record.id, name, uses, expires: moment(record.exp), ...limits, token }
      return {
        facts: made,
        show() {
          printFacts(made)
          print('\nThe token is shown only once.')
          if (context.config.registration === 'closed')
            print('REGISTRATION is closed, so this token does not work until REGISTRATION is token or open.')
        },
      }
    })
  },
})

function readUses(text: string): number {
  const uses = /^\d{1,7}$/.test(text) ? Number(text) : 0
  if (uses < 1 || uses > mostUses)
    throw new UsageError(`--uses: expected 1 to ${mostUses}, got ${printable(text)}`)
  return uses
}

const optionOf = {
  scopes: 'scope',
  grant_types: 'grant-type',
  auth_methods: 'auth-method',
  redirect_hosts: 'redirect-host',
} as const satisfies Record<keyof RegistrationLimits, keyof typeof options>

function readLimits(given: Values<typeof options>, context: Context): RegistrationLimits {
  const limits: RegistrationLimits = Object.fromEntries(
    Object.entries(optionOf).flatMap(([member, option]) => {
      const words = given[option]
      if (words === undefined) return []
      return [[member, option === 'redirect-host' ? words.map((host) => host.toLowerCase()) : [...words]]]
    }),
  )
  const misfit = misfitOfLimits(limits, limitChoices(context))
  if (misfit)
    throw new UsageError(
      `--${optionOf[misfit.member]}: expected ${misfit.expected}, got ${printable(misfit.came)}`,
    )
  return limits
}

export const list = defineCommand({
  takes: [],
  options: {},
  run: () =>
    withContext('clients', async (context) => {
      const tokens = await InitialAccessToken.list(context)
      const rows = tokens.map(({ id, name, uses, uses_left, created_at, exp, limits }) => [
        id,
        name,
        `${uses_left} of ${uses}`,
        moment(created_at),
        moment(exp),
        Object.entries(limits)
          .map(([what, words]) => `${what}: ${words?.join(' ')}`)
          .join('; '),
      ])
      return {
        facts: tokens.map(({ secret_hash: _hash, ...shown }) => withTimes(shown)),
        show: () =>
          printList(
            ['ID', 'NAME', 'USES LEFT', 'CREATED', 'EXPIRES', 'LIMITS'],
            rows,
            'there are no initial access tokens',
          ),
      }
    }),
})

export const remove = defineCommand({
  takes: ['ID'],
  options: {},
  run: (_, [id]) =>
    withContext('clients', async (context) => {
      if (!(await removeInitialToken(context, 'operator', id)))
        throw new Refusal(
          `there is no initial access token ${printable(id)}; latchkey client token list shows all tokens`,
        )
      return {
        facts: { id, revoked: true },
        show: () => print(`${printable(id)} is revoked. It can no longer register clients.`),
      }
    }),
})
