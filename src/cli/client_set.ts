/** `latchkey client set`: an operator changes a client: each member that `client add` gives, and those of a file. */
import type { Context } from '../contracts/context.ts'
import { endGrants } from '../clients/end_grants.ts'
import { privileges } from '../clients/privileges.ts'
import { isMetadata } from '../clients/replaced_client.ts'
import { type Change, changeClient } from '../endpoints/operator_clients.ts'
import { ownMember } from '../lib/own_member.ts'
import { withContext } from './administration.ts'
import { shownClient } from './client.ts'
import { consequencesOf, droppedFrom, warnOfDropped } from './client_changes.ts'
import { memberOptions } from './client_option_table.ts'
import { givenMembers, metadataOption } from './client_options.ts'
import { defineCommand } from './command.ts'
import { UsageError } from './failure.ts'
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
      requireMembers(change.removed, context)
      const { before, after, secret: made } = await changeClient(context, 'operator', clientId, change)
      const ended = given['end-grants'] ? await endGrants(context, clientId) : undefined
      const leftOut = droppedFrom(change.given, after)
      warnOfDropped(leftOut)
      const differences = differencesOf(shownClient(before), shownClient(after))
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

/** In the words of the options. */
function requireMembers(removed: readonly string[], context: Context): void {
  const unknown = removed.find((name) => !isMetadata(name, context) && !privileges.includes(name))
  if (unknown !== undefined)
    throw new UsageError(
      `--unset: ${printable(unknown)} is no member that can be removed; latchkey client show CLIENT_ID lists the members of a client`,
    )
}

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
