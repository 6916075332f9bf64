/** /applications: lists the applications that the operator registered and those that the End-User consented to. */
import type { Context } from '../../contracts/context.ts'
import { defineEndpoint } from '../../contracts/endpoint.ts'
import { type SignedInPerson, pageOfPerson } from '../../flow/signed_in_person.ts'
import type { Call } from '../../contracts/call.ts'
import { shownClient } from '../../http/client_words.ts'
import { page } from '../../http/reply.ts'
import { isSaid } from '../../lib/say.ts'
import type { Reply } from '../../contracts/reply.ts'
import { Client } from '../../models/client.ts'
import { Consent } from '../../models/consent.ts'
import { initiatePath } from './initiate_login.ts'
import { applicationsPage } from './pages.ts'

const applicationsPath = '/applications'

/** Clients of each kind: the page reads the record of each one it shows. */
const most = 200

export const applications = defineEndpoint({
  name: 'applications',
  path: applicationsPath,
  advertised: false,
  limited: true,
  page: true,
  get: pageOfPerson(applicationsPath, show),
})

async function show(
  call: Call,
  context: Context,
  { user: { sub, username } }: SignedInPerson,
): Promise<Reply> {
  const [ofOperator, consented] = await Promise.all([
    Client.launchers(context, most),
    consentedClients(sub, context),
  ])
  // A client whose metadata is a document on its own server is left out: this page does not wait for that server.
  const found = await Promise.all(
    [...new Set([...ofOperator, ...consented])].map((clientId) => Client.find(context, clientId)),
  )
  const rows = found.flatMap((client) => rowsOf(call, client, context))
  rows.sort((a, b) => a.name.localeCompare(b.name))
  return page(200, applicationsPage({ username, applications: rows }))
}

/** Without expired consents. */
async function consentedClients(sub: string, context: Context): Promise<string[]> {
  const clientIds = await Consent.clientsOf(context, sub, most)
  const consents = await Promise.all(clientIds.map((clientId) => Consent.find(context, sub, clientId)))
  return clientIds.filter((_, at) => consents[at] !== undefined)
}

function rowsOf(call: Call, client: Client | undefined, context: Context) {
  if (client?.initiate_login_uri === undefined || client.disabled) return []
  const { host } = new URL(client.initiate_login_uri)
  const { clientName } = shownClient(client, call, context)
  const path = `${context.basePath}${initiatePath}?client_id=${encodeURIComponent(client.client_id)}`
  return [
    {
      name: isSaid(clientName) ? host : clientName,
      host,
      path,
    },
  ]
}
