/** Name, logo and links of a client on a page. The client chose all of them, so none is trusted. */
import { originSource, type PolicySource } from '../lib/policy_source.ts'
import { isSaid, say, type Said } from '../lib/say.ts'
import { foreignText, foreignUrl } from './foreign_text.ts'
import * as parts from './page_parts.ts'
import type { Html } from './view.ts'

/** A client in the language of the page (`client_words.ts` reads it from the record). */
export interface ShownClient {
  /** As registered, or a message for a client without a name. */
  clientName?: string | Said | undefined
  clientUri?: string | undefined
  logoUri?: string | undefined
  policyUri?: string | undefined
  tosUri?: string | undefined
  /** Of a client that registered itself: the path at which this provider serves its logo, if it is shown at all. */
  logoPath?: string | undefined
  /** The client registered itself: its logo may imitate another. Pages do not load it from elsewhere. */
  unverified?: boolean | undefined
}

export const shownName = (name: string | Said): string | Said =>
  isSaid(name) ? name : foreignText(name) || say('common.unnamed_application')

export function clientName({ clientName: name = '', clientUri }: ShownClient): Html {
  const text = parts.name({ text: shownName(name) })
  const url = foreignUrl(clientUri)
  return url ? parts.nameLink({ url, name: text }) : text
}

/** The logo of a verified client: https only. Its origin must be in the Content-Security-Policy of the page. */
const logoOf = ({ logoUri, unverified }: ShownClient): string | undefined =>
  unverified ? undefined : foreignUrl(logoUri, ['https:'])

/** Its logo, or a sign for an application; nothing where there is no client. */
export function clientLogo(client: ShownClient): Html | Html[] {
  const url = client.unverified ? client.logoPath : logoOf(client)
  if (url) return parts.clientLogo({ url })
  return client.clientName ? parts.tile({ icon: parts.icon('app-window') }) : []
}

/** CSP img-src for `clientLogo`. */
export function imageSources(client: ShownClient): PolicySource[] {
  const url = logoOf(client)
  return url ? originSource(url) : []
}

/** Where the client of a page sends the End-User. */
export interface ClientPlace {
  /** The host of the redirect URI, or its private-use scheme. */
  clientHost: string
  /** The host of the Client ID Metadata Document of a client that has one. */
  describedAt?: string | undefined
}

export const longestHost = 255

export const shownHost = (host: string): Html => parts.host({ host: foreignText(host, longestHost) })

/** Tells that the operator did not check the client, and which host to judge it by. */
export const clientWarning = ({ clientHost, describedAt }: ClientPlace): Html =>
  describedAt === undefined
    ? parts.unverifiedWarning({ host: shownHost(clientHost) })
    : parts.describedWarning({ host: shownHost(describedAt) })

/** The client that a sign-in is for. A client that the operator did not register has its warning here, before the password. */
export const signInPurpose = (view: ShownClient & Partial<ClientPlace>): Html[] =>
  view.clientName
    ? [
        parts.continueTo({ client: clientName(view) }),
        ...(view.unverified && view.clientHost !== undefined
          ? [clientWarning({ clientHost: view.clientHost, describedAt: view.describedAt })]
          : []),
      ]
    : []

export function clientLinks({ clientUri, policyUri, tosUri }: ShownClient): Html | Html[] {
  const links = (
    [
      [say('client.website'), clientUri],
      [say('client.policy'), policyUri],
      [say('client.terms'), tosUri],
    ] as const
  ).flatMap(([label, uri]) => {
    const url = foreignUrl(uri)
    return url ? [parts.clientLink({ url, label })] : []
  })
  return links.length ? parts.clientLinks({ links }) : []
}
