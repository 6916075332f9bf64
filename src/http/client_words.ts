/** What a client says of itself, in the language of a page. https://www.rfc-editor.org/rfc/rfc7591#section-2.2 */
import type { Context } from '../contracts/context.ts'
import type { Client } from '../models/client.ts'
import type { Call } from '../contracts/call.ts'
import type { ShownClient } from '../html/client_parts.ts'
import { languageOf } from './language.ts'

type Spoken = 'client_name' | 'client_uri' | 'logo_uri' | 'policy_uri' | 'tos_uri'

/**
 * The member in `language` when the client registered it so: `client_name#de`, or else one of a region or script of it,
 * `client_name#de-AT`; otherwise the one without a tag. Tags are compared without regard to case (RFC 5646 §2.1.1).
 */
export function metadataIn(language: string, client: Client, name: Spoken): string | undefined {
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
): ShownClient & { clientName: string } {
  const language = languageOf(call, context)
  const said = (name: Spoken) => metadataIn(language, client, name)
  return {
    clientName: said('client_name') ?? client.client_id,
    clientUri: said('client_uri'),
    logoUri: said('logo_uri'),
    policyUri: said('policy_uri'),
    tosUri: said('tos_uri'),
    unverified: client.self_registered,
  }
}
