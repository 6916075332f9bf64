/** `latchkey client token …`: initial access tokens, with which developers register clients. https://www.rfc-editor.org/rfc/rfc7591#section-3 */
import { note } from '../models/audit/note.ts'
import { isHostPattern, type RegistrationLimits } from '../auth/registration_limits.ts'
import type { Context } from '../contracts/context.ts'
import { allGrantTypes } from '../endpoints/registration.ts'
import { offeredMethods } from '../http/client_authentication.ts'
import { InitialAccessToken } from '../models/initial_access_token.ts'
import { listAll, withContext } from './administration.ts'
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
    const lifetime = readTime('expires-in', given['expires-in'] ?? '30d', longestLifeSeconds)
    return withContext('clients', async (context) => {
      const limits = readLimits(given, context)
      const { record, token } = await InitialAccessToken.issue(context, context.random, {
        name,
        uses,
        lifetime,
        limits,
      })
      await note(undefined, context, 'changed_by_operator', {
        change: 'initial_access_token_added',
        token: record.id,
      })
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

const mostUses = 1_000_000

function readUses(text: string): number {
  const uses = /^\d{1,7}$/.test(text) ? Number(text) : 0
  if (uses < 1 || uses > mostUses)
    throw new UsageError(`--uses: expected 1 to ${mostUses}, got ${printable(text)}`)
  return uses
}

const longestLifeSeconds = 3650 * 86_400

function readLimits(given: Values<typeof options>, context: Context): RegistrationLimits {
  const among = (option: 'scope' | 'grant-type' | 'auth-method', known: readonly string[]) => {
    const odd = given[option]?.find((each) => !known.includes(each))
    if (odd !== undefined)
      throw new UsageError(`--${option}: expected one of ${known.join(', ')}, got ${printable(odd)}`)
    return given[option] && [...given[option]]
  }
  const hosts = given['redirect-host']?.map((host) => host.toLowerCase())
  const oddHost = hosts?.find((host) => !isHostPattern(host))
  if (oddHost !== undefined)
    throw new UsageError(
      `--redirect-host: expected a host name without scheme and port, got ${printable(oddHost)}`,
    )
  const limits: RegistrationLimits = {
    scopes: among('scope', context.openScopes),
    grant_types: among('grant-type', allGrantTypes(context)),
    auth_methods: among('auth-method', offeredMethods(context)),
    redirect_hosts: hosts,
  }
  return Object.fromEntries(Object.entries(limits).filter(([, value]) => value !== undefined))
}

export const list = defineCommand({
  takes: [],
  options: {},
  run: () =>
    withContext('clients', async (context) => {
      const tokens = await listAll((offset, limit) => InitialAccessToken.list(context, offset, limit))
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
      if (!(await InitialAccessToken.remove(context, id)))
        throw new Refusal(
          `there is no initial access token ${printable(id)}; latchkey client token list shows all tokens`,
        )
      await note(undefined, context, 'changed_by_operator', {
        change: 'initial_access_token_removed',
        token: id,
      })
      return {
        facts: { id, revoked: true },
        show: () => print(`${printable(id)} is revoked. It can no longer register clients.`),
      }
    }),
})
