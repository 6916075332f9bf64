/** The client metadata that pages show, in the language of the page. https://www.rfc-editor.org/rfc/rfc7591#section-2.2 */
import type { Context } from '../contracts/context.ts'
import type { Client } from '../models/client.ts'
import type { Call } from '../contracts/call.ts'
import type { ShownClient } from '../html/client_parts.ts'
import { foreignText } from '../html/foreign_text.ts'
import { isSaid, say, type Said } from '../lib/say.ts'
import { logoPathOf } from './client_logo.ts'
import { languageOf } from './language.ts'

type LocalizedMember = 'client_name' | 'client_uri' | 'logo_uri' | 'policy_uri' | 'tos_uri'

/**
 * The member in `language`: `client_name#de`, else one with a region or script such as `client_name#de-AT`, else the one
 * without a tag. Tags are compared without regard to case (RFC 5646 §2.1.1). `tagged` are the members with a tag, sorted.
 */
function metadataIn(
  language: string,
  client: Client,
  tagged: readonly string[],
  name: LocalizedMember,
): string | undefined {
  const prefix = `${name}#${language}`.toLowerCase()
  const found =
    tagged.find((key) => key.toLowerCase() === prefix) ??
    tagged.find((key) => key.toLowerCase().startsWith(`${prefix}-`))
  const value = found === undefined ? undefined : (client as Record<string, unknown>)[found]
  return typeof value === 'string' ? value : client[name]
}

export function shownClient(
  client: Client,
  call: Call,
  context: Context,
): ShownClient & { clientName: string | Said } {
  const language = languageOf(call, context)
  const tagged = Object.keys(client)
    .filter((key) => key.includes('#'))
    .sort()
  const localized = (name: LocalizedMember) => metadataIn(language, client, tagged, name)
  const logoUri = localized('logo_uri')
  return {
    clientName: localized('client_name') ?? unnamedAt(firstHost(client)),
    clientUri: localized('client_uri'),
    logoUri,
    logoPath: client.self_registered ? logoPathOf(logoUri, context) : undefined,
    policyUri: localized('policy_uri'),
    tosUri: localized('tos_uri'),
    unverified: client.self_registered,
  }
}

/** The host of a URL, or the private-use scheme of a native app. */
export function hostOf(address: string): string {
  const url = new URL(address)
  return url.protocol.startsWith('http') ? url.host : url.protocol.slice(0, -1)
}

const firstHost = ({ redirect_uris: [first] }: Client): string | undefined =>
  first === undefined ? undefined : hostOf(first)

const longestHost = 255

/** The name on a page for a client without one: its host, since a client_id means nothing to an End-User. */
export const unnamedAt = (host: string | undefined): Said =>
  host === undefined
    ? say('common.unnamed_application')
    : say('common.unnamed_application_at', { host: foreignText(host, longestHost) })

/** The client of an interaction as sign-in pages show it: with the host that an End-User judges an unverified one by. */
export function clientOfSignIn(
  client: Client,
  redirectUri: string | undefined,
  call: Call,
  context: Context,
) {
  const display = shownClient(client, call, context)
  const clientHost = redirectUri === undefined ? firstHost(client) : hostOf(redirectUri)
  return {
    ...display,
    clientName: isSaid(display.clientName) ? unnamedAt(clientHost) : display.clientName,
    ...(clientHost !== undefined && { clientHost }),
    describedAt: client.described_at === undefined ? undefined : hostOf(client.described_at),
  }
}

/** The name that is stored with an event, whose reader's language is not known. */
export const plainNameOf = (client: Client): string =>
  foreignText(client.client_name ?? firstHost(client) ?? client.client_id)
