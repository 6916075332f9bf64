/** Where a page leads that cannot go on: to the application that began, or to the account. */
import { matchRedirectUri, withQuery } from '../auth/redirect_uri.ts'
import type { Way } from '../auth/refusal.ts'
import { findClient } from '../clients/find_client.ts'
import type { Call } from '../contracts/call.ts'
import type { Context } from '../contracts/context.ts'
import { accountPath } from '../html/account_parts.ts'
import { shownName } from '../html/client_parts.ts'
import { foreignUrl } from '../html/foreign_text.ts'
import { hostOf, shownClient } from '../http/client_words.ts'
import { say, type Said } from '../lib/say.ts'
import type { Client } from '../models/client.ts'
import { clientIdIn } from '../models/interaction.ts'

/** The page of a client that begins a sign-in again: its `initiate_login_uri`, else its `client_uri`. */
function beginningAt(client: Client, clientUri: string | undefined, { config }: Context): string | undefined {
  const { initiate_login_uri: uri } = client
  const trusted = uri === undefined ? undefined : matchRedirectUri([uri], uri)
  return foreignUrl(trusted && withQuery(trusted, { iss: config.issuer })) ?? foreignUrl(clientUri)
}

/** The application that an interaction was for, as its handle says. */
export async function applicationOf(
  call: Call,
  context: Context,
  handle: string | undefined,
): Promise<{ name: string | Said; unverified: boolean; way: Way | undefined } | undefined> {
  const clientId = handle === undefined ? undefined : clientIdIn(handle)
  const client = clientId === undefined ? undefined : await findClient(context, clientId)
  if (!client) return undefined
  const shown = shownClient(client, call, context)
  const name = shownName(shown.clientName)
  const url = beginningAt(client, shown.clientUri, context)
  // What is shown of a client that registered itself may be false, so the link names the host.
  const unverified = client.self_registered
  if (url === undefined) return { name, unverified, way: undefined }
  const label = unverified
    ? say('client.go_on', { host: hostOf(url) })
    : say('error_page.back_to', { client: name })
  return { name, unverified, way: { label, url, unverified } }
}

/**
 * The path that begins a sign-in at the application of an interaction, when that can be done: for an End-User who goes on
 * in another browser.
 */
export async function beginAgainPath(
  context: Context,
  handle: string | undefined,
): Promise<string | undefined> {
  const clientId = handle === undefined ? undefined : clientIdIn(handle)
  const client = clientId === undefined ? undefined : await findClient(context, clientId)
  const initiate = context.table.endpoints.find(({ name }) => name === 'initiate_login')
  return client?.initiate_login_uri === undefined || !initiate
    ? undefined
    : `${context.basePath}${initiate.path}?client_id=${encodeURIComponent(client.client_id)}`
}

/** At the address of the issuer: a page that was opened at another name of its host leads there too. */
export async function waysOn(call: Call, context: Context, handle: string | undefined): Promise<Way[]> {
  const application = await applicationOf(call, context, handle)
  return [application?.way ?? wayToAccount(context)]
}

export const wayToAccount = ({ config: { issuer }, table }: Context): Way =>
  table.endpoints.some(({ path }) => path === accountPath)
    ? { label: say('verification.to_account'), url: `${issuer}${accountPath}` }
    : { label: say('login.title'), url: `${issuer}/login` }
