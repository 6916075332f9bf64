/** What a client says of itself, in the language of a page. https://www.rfc-editor.org/rfc/rfc7591#section-2.2 */
import type { Context } from '../contracts/context.ts'
import type { Client } from '../models/client.ts'
import type { Call } from '../contracts/call.ts'
import type { ShownClient } from '../html/client_parts.ts'
import { foreignText } from '../html/foreign_text.ts'
import { say, type Said } from '../lib/say.ts'
import { languageOf } from './language.ts'

type Spoken = 'client_name' | 'client_uri' | 'logo_uri' | 'policy_uri' | 'tos_uri'

/**
 * The member in `language` when the client registered it so: `client_name#de`, or else one of a region or script of it,
 * `client_name#de-AT`; otherwise the one without a tag. Tags are compared without regard to case (RFC 5646 §2.1.1).
 */
function metadataIn(language: string, client: Client, name: Spoken): string | undefined {
  const prefix = `${name}#${language}`.toLowerCase()
  const keys = Object.keys(client).sort()
  const found =
    keys.find((key) => key.toLowerCase() === prefix) ??
    keys.find((key) => key.toLowerCase().startsWith(`${prefix}-`))
  const value = found === undefined ? undefined : (client as Record<string, unknown>)[found]
  return typeof value === 'string' ? value : client[name]
}

export function shownClient(
  client: Client,
  call: Call,
  context: Context,
): ShownClient & { clientName: string | Said } {
  const language = languageOf(call, context)
  const said = (name: Spoken) => metadataIn(language, client, name)
  return {
    clientName: said('client_name') ?? unnamedAt(firstHost(client)),
    clientUri: said('client_uri'),
    logoUri: said('logo_uri'),
    policyUri: said('policy_uri'),
    tosUri: said('tos_uri'),
    unverified: client.self_registered,
  }
}

/** Where an address leads: its host, or the private-use scheme of a native app. */
export function hostOf(address: string): string {
  const url = new URL(address)
  return url.protocol.startsWith('http') ? url.host : url.protocol.slice(0, -1)
}

const firstHost = ({ redirect_uris: [first] }: Client): string | undefined =>
  first === undefined ? undefined : hostOf(first)

const longestHost = 255

/** What a page calls a client without a name: a client_id would tell an End-User nothing, a host may. */
export const unnamedAt = (host: string | undefined): Said =>
  host === undefined
    ? say('common.unnamed_application')
    : say('common.unnamed_application_at', { host: foreignText(host, longestHost) })

/** A name that is kept with an event, before its language is known. */
export const plainNameOf = (client: Client): string =>
  foreignText(client.client_name ?? firstHost(client) ?? client.client_id)
