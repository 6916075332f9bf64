/** Sources of a content security policy, built from the parsed parts of a URL. https://www.w3.org/TR/CSP3/#framework-directive-source-list */
import { isPlainHost } from './plain_host.ts'

declare const built: unique symbol
/** A source expression. Only this file makes one, so no text that another party chose becomes part of a policy. */
export type PolicySource = string & { readonly [built]: true }

export const ownOrigin = "'self'" as PolicySource

/** The scheme of a URL; empty for what is no URL. */
export function schemeSource(uri: string): PolicySource[] {
  const { protocol = '' } = URL.parse(uri) ?? {}
  return /^[a-z][a-z0-9+.-]*:$/.test(protocol) ? [protocol as PolicySource] : []
}

/** Scheme, host and port of an http or https URL; empty for any other, and for a host that a source cannot name. */
export function originSource(uri: string): PolicySource[] {
  const { protocol = '', hostname = '', port = '' } = URL.parse(uri) ?? {}
  if (!/^https?:$/.test(protocol) || !isPlainHost(hostname)) return []
  return [`${protocol}//${hostname}${port === '' ? '' : `:${Number(port)}`}` as PolicySource]
}
