/** The request of a failure as the lab keeps it: values that are known to be no secret, and of all others the size and a mark. */
import type { Call } from '../../contracts/call.ts'
import type { Context } from '../../contracts/context.ts'
import { hasForm } from '../../http/call.ts'
import { isPlainParameter } from '../../models/recording/secret_names.ts'
import type { SeenRequest, Shown } from './failure.ts'
import { memoryOf } from './memory.ts'

/** Parameters that are no credentials, and that the page of a failed request does without: they name a person, or what a person does. */
const unneeded = new Set([
  ...['username', 'login_hint', 'user_code', 'binding_message', 'authorization_details', 'state', 'nonce'],
])

const isOpen = (name: string): boolean => isPlainParameter(name) && !unneeded.has(name)

/** Headers that are kept. Of Authorization the scheme alone. */
const headersShown = [
  ...['host', 'origin', 'content-type', 'content-length', 'accept', 'user-agent'],
  ...['sec-fetch-mode', 'sec-fetch-site', 'sec-fetch-dest'],
  ...['access-control-request-method', 'access-control-request-headers'],
  ...['forwarded', 'via', 'x-forwarded-for', 'x-forwarded-proto', 'x-forwarded-host', 'x-real-ip'],
]

const longest = { value: 400, name: 60, parameters: 40, text: 20_000 }

export const clip = (text: string, most = longest.value): string =>
  text.length > most ? `${text.slice(0, most)}…` : text

/** The size and the mark of a secret; with LAB_SHOW_SECRETS the value. */
export const hide = (value: string, context: Context): Shown =>
  context.config.labShowSecrets
    ? { text: clip(value) }
    : { hidden: { characters: value.length, mark: memoryOf(context).mark(value) } }

/**
 * The parameters of a query or of a form as they came: also those that the provider refuses to read. A text without an
 * equals sign is no parameter, and may be a secret that was sent without its name.
 */
export const pairsOf = (text: string): [string, string][] => {
  const pairs = text.slice(0, longest.text).split('&')
  return [...new URLSearchParams(pairs.filter((pair) => pair.includes('=')).join('&'))]
}

export const nameOfParameter = /^[a-z]{1,20}(?:_[a-z]{1,20}){0,4}$/

/** Base64 may end in equals signs, and look like a name without a value. */
const nameOf = (name: string, value: string): string =>
  /^=*$/.test(value) && !nameOfParameter.test(name) ? 'a name that is hidden' : clip(name, longest.name)

function shownPairs(text: string, context: Context): Record<string, Shown> {
  const shown: Record<string, Shown> = Object.create(null) as Record<string, Shown>
  for (const [name, value] of pairsOf(text).slice(0, longest.parameters))
    shown[nameOf(name, value)] = isOpen(name) ? { text: clip(value) } : hide(value, context)
  return shown
}

/** The form, if one was read: a body that the provider left unread stays so. */
export const formText = async (call: Call): Promise<string> =>
  call.body !== undefined && hasForm(call) ? ((await call.body.catch(() => '')) ?? '') : ''

export function seenRequest(call: Call, context: Context, form: string): SeenRequest {
  const { headers, url } = call.request
  const scheme = /^[A-Za-z][\w-]{0,30}(?= )/.exec(headers.get('authorization') ?? '')?.[0]
  const parsed = URL.parse(url)
  const kept: Record<string, string> = {}
  for (const name of headersShown) {
    const value = headers.get(name)
    if (value !== null) kept[name] = clip(value)
  }
  if (headers.has('authorization')) kept.authorization = scheme ?? 'without a scheme'
  if (headers.has('dpop')) kept.dpop = 'a proof'
  if (headers.has('cookie')) kept.cookie = 'sent'
  return {
    method: clip(call.method, 20),
    path: clip(call.path),
    url: { protocol: parsed?.protocol ?? '', host: clip(parsed?.host ?? '') },
    address: call.address,
    peer: call.peer,
    headers: kept,
    query: shownPairs(call.search, context),
    form: shownPairs(form, context),
  }
}
