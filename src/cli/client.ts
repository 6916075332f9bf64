/** `latchkey client …`: an operator manages registered clients, without the limits of client registration. https://www.rfc-editor.org/rfc/rfc7591 */
import { addClient, noClient, withDefaults } from '../endpoints/operator_clients.ts'
import { removeClient } from '../endpoints/remove_client.ts'
import { clientStates } from '../models/client_index.ts'
import { clientSorts, searchClients } from '../models/client_search.ts'
import { Client, isPublic } from '../models/client.ts'
import { withContext } from './administration.ts'
import { readSecret, secretOptions } from './secret_option.ts'
import { droppedFrom, warnOfDropped } from './client_changes.ts'
import { clientOptions, givenMembers } from './client_options.ts'
import { defineCommand } from './command.ts'
import { chosen, found, searchOptions } from './search_options.ts'
import { Refusal } from './failure.ts'
import { moment, print, printable, printFacts, printList, withTimes } from './output.ts'

export const add = defineCommand({
  takes: ['NAME'],
  options: { ...clientOptions, ...secretOptions },
  async run(options, [name]) {
    const { metadata: given, privileges } = await givenMembers(options)
    const asked = withDefaults(name, given, options)
    requireRedirect(asked)
    return withContext('clients', async (context) => {
      const { client, secret } = await addClient(context, 'operator', {
        metadata: asked,
        privileges,
        clientId: options['client-id'],
        chooseSecret: (metadata) => readSecret(options, metadata),
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
      if (!client) throw noClient(clientId)
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
      const ended = await removeClient(context, 'operator', clientId)
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
