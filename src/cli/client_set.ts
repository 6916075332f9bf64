/** `latchkey client set`: an operator changes a client: each member that `client add` gives, and those of a file. */
import { note } from '../models/audit/note.ts'
import type { Context } from '../contracts/context.ts'
import { grantTypesFor } from '../auth/agreeing_types.ts'
import { endGrants } from '../clients/end_grants.ts'
import { leastSecret, secretsOf } from '../clients/client_secret.ts'
import { isMetadata, replaced } from '../clients/replaced_client.ts'
import { admitMetadata, operatorPolicy } from '../endpoints/registration.ts'
import { ownMember } from '../lib/own_member.ts'
import { Client, newSecret } from '../models/client.ts'
import { namesNoMethod, withOfferedMethod } from './secret_method.ts'
import { withContext } from './administration.ts'
import { shownClient, unknownClient } from './client.ts'
import { consequencesOf, droppedFrom, warnOfDropped } from './client_changes.ts'
import { memberOptions } from './client_option_table.ts'
import { givenMembers, metadataOption, privileges, requireAllowed } from './client_options.ts'
import { defineCommand } from './command.ts'
import { Refusal, UsageError } from './failure.ts'
import { print, printable } from './output.ts'

const options = {
  ...memberOptions,
  ...metadataOption,
  name: { type: 'string', value: 'NAME', help: 'Name on the consent page' },
  unset: {
    type: 'string',
    multiple: true,
    value: 'MEMBER',
    help: 'Remove a member, such as resource_uris, so that its default holds again. Without scope, the client may request none',
  },
  'no-resource-uris': { type: 'boolean', help: 'The same as --unset resource_uris' },
  'end-grants': {
    type: 'boolean',
    help: 'End all its grants with their tokens, and all consents. Tokens of client_credentials stay valid until they expire',
  },
} as const

/** The member that an option or a name of metadata stands for. */
const memberOf = (name: string): string => ownMember(memberOptions, name)?.member ?? name

/** The members of the next record that `given` and `removed` decide. */
interface Change {
  given: Readonly<Record<string, unknown>>
  privileges: Readonly<Record<string, unknown>>
  removed: readonly string[]
}

export const set = defineCommand({
  takes: ['CLIENT_ID'],
  options,
  async run(given, [clientId]) {
    const { metadata, privileges: own } = await givenMembers(given)
    const change: Change = {
      given: { ...metadata, ...(given.name !== undefined && { client_name: given.name }) },
      privileges: own,
      removed: [
        ...(given.unset ?? []).map(memberOf),
        ...(given['no-resource-uris'] ? ['resource_uris'] : []),
      ],
    }
    requireChange(change, given['end-grants'] ?? false)
    return withContext('clients', async (context) => {
      const before = await Client.find(context, clientId)
      if (!before) throw unknownClient(clientId)
      const secret = newSecret(context.random)
      const next = await changed(before, change, secret, context)
      requireLongSecret(before, next, context)
      // Only if it is as it was read: a client may change its own registration.
      const after = await Client.update(context, clientId, (now) =>
        Bun.deepEquals(now, before) ? next : undefined,
      )
      if (!after)
        throw new Refusal(
          `another process changed or removed ${printable(clientId)} at the same time, so nothing was changed here; run the command again`,
        )
      const ended = given['end-grants'] ? await endGrants(context, clientId) : undefined
      const leftOut = droppedFrom(change.given, after)
      warnOfDropped(leftOut)
      const differences = differencesOf(shownClient(before), shownClient(after))
      await note(undefined, context, 'changed_by_operator', {
        change: 'client_set',
        client_id: clientId,
        changed: Object.keys(differences),
      })
      const made = before.secret_mac === undefined && after.secret_mac !== undefined ? secret : undefined
      const facts = {
        ...shownClient(after),
        ...(made !== undefined && { client_secret: made }),
        changed: differences,
        ...(leftOut.length > 0 && { left_out: leftOut }),
        ...(ended !== undefined && { ended_grants: ended }),
      }
      return {
        facts,
        show() {
          for (const [name, { from, to }] of Object.entries(differences))
            print(`${name}: ${printable(from ?? 'unset')} → ${printable(to ?? 'unset')}`)
          if (Object.keys(differences).length === 0)
            print('nothing changed: the client has these values already')
          for (const { text } of consequencesOf(before, after)) print(text)
          if (ended !== undefined) print(`ended ${ended} grant${ended === 1 ? '' : 's'} with all tokens`)
          if (made !== undefined) print(`\nclient_secret  ${made}\nThe secret is shown only once.`)
        },
      }
    })
  },
})

/** A secret that a client has only sent so far may be too short to sign with: others could find it from what it signs. */
export function requireLongSecret(before: Client, next: Client, context: Context): void {
  const least = leastSecret(next)
  const short = secretsOf(next, context).find(({ length }) => length < least)
  if (short !== undefined && least > leastSecret(before))
    throw new Refusal(
      `a secret of ${printable(next.client_id)} has ${short.length} characters, and ${printable(next.token_endpoint_auth_method)} needs at least ${least} (RFC 7518 §3.2): latchkey client secret ${printable(next.client_id)} makes one, --overlap 0 ends the short one`,
    )
}

function requireChange({ given, privileges: own, removed }: Change, endsGrants: boolean): void {
  const set = [...Object.keys(given), ...Object.keys(own)]
  const twice = removed.find((name) => set.includes(name))
  if (twice !== undefined)
    throw new UsageError(
      `--unset: ${printable(twice)} is given a value too: expected either the value or --unset`,
    )
  if (set.length === 0 && removed.length === 0 && !endsGrants)
    throw new UsageError(
      'nothing to set: expected a member to change, such as --name or --redirect-uri, or --metadata, --unset or --end-grants',
    )
}

/** Members that follow from each other: the one that is not given is left to follow. */
function withFollowing(given: Change['given'], current: Client): Record<string, unknown> {
  const { grant_types: grants, response_types: types } = given
  if (grants !== undefined && types === undefined) return { ...given, response_types: undefined }
  if (grants !== undefined || !Array.isArray(types)) return given
  const others = current.grant_types.filter((each) => !['authorization_code', 'implicit'].includes(each))
  return { ...given, grant_types: [...grantTypesFor(types.map(String)), ...others] }
}

/** The next record. Throws what registration throws, UsageError for a name that is no member, and Refusal. */
async function changed(
  before: Client,
  { given, privileges: own, removed }: Change,
  secret: string,
  context: Context,
): Promise<Client> {
  const unknown = removed.find((name) => !isMetadata(name, context) && !privileges.includes(name))
  if (unknown !== undefined)
    throw new UsageError(
      `--unset: ${printable(unknown)} is no member that can be removed; latchkey client show CLIENT_ID lists the members of a client`,
    )
  const body = {
    ...Object.fromEntries(Object.entries(before).filter(([name]) => isMetadata(name, context))),
    ...withFollowing(given, before),
  }
  const kept = Object.entries(body).filter(([name, value]) => value !== undefined && !removed.includes(name))
  const asked = withOfferedMethod({ scope: '', ...Object.fromEntries(kept) }, context)
  const attempt = { by: 'operator', current: before } as const
  const metadata = await admitMetadata(asked, operatorPolicy(context), attempt, context)
  const record = Object.entries({
    ...replaced(before, metadata, context, secret),
    ...own,
    exp: undefined, // what an operator takes care of does not end unused
    either_secret_method: hasNoNamedMethod(before, given, removed) || undefined,
  })
  const next = Object.fromEntries(
    record.filter(
      ([name, value]) => value !== undefined && (isMetadata(name, context) || !removed.includes(name)),
    ),
  )
  requireAllowed(next as unknown as Client)
  return next as unknown as Client
}

const method = 'token_endpoint_auth_method'

/** As `client add` decides: a method that is given is the only one; without it the secret may be sent either way. */
const hasNoNamedMethod = (before: Client, given: Change['given'], removed: readonly string[]): boolean =>
  removed.includes(method)
    ? !before.self_registered
    : before.either_secret_method === true && namesNoMethod(given)

interface Difference {
  from: unknown
  to: unknown
}

function differencesOf(
  before: Readonly<Record<string, unknown>>,
  after: Readonly<Record<string, unknown>>,
): Record<string, Difference> {
  const names = [...new Set([...Object.keys(before), ...Object.keys(after)])]
  return Object.fromEntries(
    names
      .filter((name) => !Bun.deepEquals(before[name], after[name]))
      .map((name) => [name, { from: before[name] ?? null, to: after[name] ?? null }]),
  )
}
