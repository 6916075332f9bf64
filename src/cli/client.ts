/** `latchkey client …`: an operator manages registered clients, without the limits of client registration. https://www.rfc-editor.org/rfc/rfc7591 */
import { note } from '../models/audit/note.ts'
import { endGrants } from '../clients/end_grants.ts'
import type { Context } from '../contracts/context.ts'
import { admitMetadata, operatorPolicy } from '../endpoints/registration.ts'
import { clientStates } from '../models/client_index.ts'
import { clientSorts, searchClients } from '../models/client_search.ts'
import { Client, isPublic, makeClient, needsSecret } from '../models/client.ts'
import { isSubOfPerson } from '../models/subjects.ts'
import { withContext } from './administration.ts'
import { readSecret, secretOptions } from './secret_option.ts'
import { droppedFrom, warnOfDropped } from './client_changes.ts'
import { clientOptions, givenMembers, requireAllowed, withDefaults } from './client_options.ts'
import { defineCommand } from './command.ts'
import { chosen, found, searchOptions } from './search_options.ts'
import { Refusal } from './failure.ts'
import { namesNoMethod, withOfferedMethod } from './secret_method.ts'
import { moment, print, printable, printFacts, printList, withTimes } from './output.ts'

export const add = defineCommand({
  takes: ['NAME'],
  options: { ...clientOptions, ...secretOptions },
  async run(options, [name]) {
    const { metadata: given, privileges } = await givenMembers(options)
    const asked = withDefaults(name, given, options)
    requireRedirect(asked)
    return withContext('clients', async (context) => {
      const metadata = await admitMetadata(
        withOfferedMethod(asked, context),
        operatorPolicy(context),
        { by: 'operator' },
        context,
      )
      const chosen = await readSecret(options, metadata)
      if (chosen !== undefined && !needsSecret(metadata))
        throw new Refusal(
          `a client with token_endpoint_auth_method ${metadata.token_endpoint_auth_method} has no secret`,
        )
      const record = {
        ...metadata,
        ...privileges,
        ...(namesNoMethod(asked) && { either_secret_method: true }),
        client_id: options['client-id'] ?? context.random(18),
      }
      const { client, secret: used } = makeClient(context, record, chosen)
      const secret = chosen === undefined ? used : undefined
      requireAllowed(client)
      await requireNoPerson(context, client.client_id)
      if (!(await Client.create(context, client)))
        throw new Refusal(`there is a client ${printable(client.client_id)} already`)
      // Again: an import may have made the account since.
      await requireNoPerson(context, client.client_id).catch(async (error: unknown) => {
        await Client.remove(context, client.client_id)
        throw error
      })
      await note(undefined, context, 'changed_by_operator', {
        change: 'client_added',
        client_id: client.client_id,
      })
      const leftOut = droppedFrom(given, client)
      warnOfDropped(leftOut)
      const made = {
        ...shownClient(client),
        ...(secret !== undefined && { client_secret: secret }),
        ...(leftOut.length > 0 && { left_out: leftOut }),
      }
      return {
        facts: made,
        show() {
          printFacts(made)
          print(`\n${scopeWords(client)}`)
          if (secret !== undefined) print('\nThe secret is shown only once.')
          print(`\nIts settings are in ${context.config.issuer}/.well-known/openid-configuration`)
        },
      }
    })
  },
})

/** In the words of the options: the refusal of a registration names members. */
function requireRedirect({ redirect_uris, response_types, grant_types }: Record<string, unknown>): void {
  const [uris, types, grants] = [redirect_uris, response_types, grant_types].map((each) =>
    Array.isArray(each) ? each : [],
  ) as [unknown[], unknown[], unknown[]]
  if (uris.length > 0 || types.length === 0 || !grants.includes('authorization_code')) return
  throw new Refusal(
    'expected --redirect-uri URI, to which End-Users come back from the sign-in. A service or an API without End-Users has none: --grant-type client_credentials',
  )
}

/** What it may request: the default is rarely what a client needs. */
const scopeWords = ({ scope }: Client): string =>
  scope === ''
    ? 'It may request no scope. latchkey client set CLIENT_ID --scope SCOPE gives it one.'
    : `It may request these scopes: ${printable(scope)}. latchkey client set CLIENT_ID --scope SCOPE chooses others.`

/** The client_id is the `sub` of tokens that the client has for itself: an API would take them for those of the person. */
async function requireNoPerson(context: Context, clientId: string): Promise<void> {
  if (await isSubOfPerson(context, clientId))
    throw new Refusal(
      `${printable(clientId)} is, or was, the sub of an account; a client needs another client_id (RFC 9700 §4.15)`,
    )
}

export const shownClient = ({
  sealed_secret: _sealed,
  former_secret,
  secret_mac: _mac,
  client_id,
  client_name,
  ...rest
}: Client): Record<string, unknown> => ({
  client_id,
  client_name,
  ...(former_secret && { former_secret_until: moment(former_secret.exp) }),
  ...withTimes(rest),
})

export const show = defineCommand({
  takes: ['CLIENT_ID'],
  options: {},
  run: (_, [clientId]) =>
    withContext('clients', async (context) => {
      const client = await Client.find(context, clientId)
      if (!client) throw unknownClient(clientId)
      return { facts: shownClient(client) }
    }),
})

export const list = defineCommand({
  takes: [],
  options: {
    ...searchOptions,
    sort: { type: 'string', value: 'ORDER', help: clientSorts.join(', ') },
    state: { type: 'string', value: 'STATE', help: `Only clients that are ${clientStates.join(', ')}` },
  },
  async run(given) {
    const sort = chosen('sort', given.sort, clientSorts)
    const filter = { state: chosen('state', given.state, clientStates) }
    return withContext('clients', async (context) => {
      const { items: clients, note } = await found(given, (wanted) =>
        searchClients(context, { ...wanted, filter, sort }),
      )
      const rows = clients.map((client) => [
        client.client_id,
        client.client_name ?? '',
        kindOf(client),
        moment(client.client_id_issued_at),
        client.redirect_uris.join(' '),
      ])
      const isAll = given.search === undefined && filter.state === undefined
      return {
        facts: clients.map(shownClient),
        show() {
          printList(
            ['CLIENT_ID', 'NAME', 'KIND', 'REGISTERED', 'REDIRECTS'],
            rows,
            isAll
              ? 'there are no clients; latchkey client add NAME makes one'
              : 'no client has all of that; latchkey client list shows all clients',
          )
          note()
        },
      }
    })
  },
})

const kindOf = (client: Client): string =>
  [
    isPublic(client) ? 'public' : 'confidential',
    client.self_registered && 'self-registered',
    client.first_party && 'first-party',
    (client.resource_server || client.resource_uris) && 'API',
    client.disabled && 'disabled',
  ]
    .filter(Boolean)
    .join(', ')

export const remove = defineCommand({
  takes: ['CLIENT_ID'],
  options: {},
  run: (_, [clientId]) =>
    withContext('clients', async (context) => {
      if (!(await Client.remove(context, clientId))) throw unknownClient(clientId)
      const ended = await endGrants(context, clientId)
      await note(undefined, context, 'changed_by_operator', {
        change: 'client_removed',
        client_id: clientId,
        grants: ended,
      })
      return {
        facts: { client_id: clientId, removed: true, ended_grants: ended },
        show: () =>
          print(
            `${printable(clientId)} is removed; ended ${ended} grant${ended === 1 ? '' : 's'}. ` +
              'A running server stops accepting the client and all its tokens within a second.',
          ),
      }
    }),
})

export const unknownClient = (clientId: string) =>
  new Refusal(`there is no client ${printable(clientId)}; latchkey client list shows all clients`)
