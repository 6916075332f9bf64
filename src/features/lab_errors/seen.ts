/** The request of a failure as the lab keeps it: values that are known to be no secret, and of all others the size and a mark. */
import type { Call } from '../../contracts/call.ts'
import type { Context } from '../../contracts/context.ts'
import { hasForm } from '../../http/call.ts'
import type { SeenRequest, Shown } from './failure.ts'
import { memoryOf } from './memory.ts'

/** Parameters that hold neither a secret nor the name of a person. What is not listed is hidden. */
const open = new Set([
  ...['client_id', 'redirect_uri', 'response_type', 'response_mode', 'grant_type', 'scope', 'prompt'],
  ...['code_challenge', 'code_challenge_method', 'max_age', 'acr_values', 'ui_locales', 'display', 'claims'],
  ...['resource', 'audience', 'token_type_hint', 'post_logout_redirect_uri', 'authorization_details'],
  ...['client_assertion_type', 'subject_token_type', 'actor_token_type', 'requested_token_type'],
])

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

const hide = (value: string, context: Context): Shown => ({
  hidden: { characters: value.length, mark: memoryOf(context).mark(value) },
})

/** The parameters of a query or of a form as they came: also those that the provider refuses to read. */
export const pairsOf = (text: string): [string, string][] => [
  ...new URLSearchParams(text.slice(0, longest.text)),
]

function shownPairs(text: string, context: Context): Record<string, Shown> {
  const shown: Record<string, Shown> = Object.create(null) as Record<string, Shown>
  for (const [name, value] of pairsOf(text).slice(0, longest.parameters))
    shown[clip(name, longest.name)] = open.has(name) ? { text: clip(value) } : hide(value, context)
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
