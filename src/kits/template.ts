/** Fills the templates of kits/: `@@client_id@@` is a literal in the language of the file, `@@if secret@@` … `@@end@@` are lines for some clients. */
import type { KitFile, KitValues } from './kit.ts'
import { type Language, literals } from './literal.ts'

type Text = (values: KitValues) => string

const redirect = ({ redirect_uri: uri }: KitValues): URL => new URL(uri ?? 'http://localhost/')

const endpoint =
  (name: string): Text =>
  ({ endpoints }) =>
    endpoints[name] ?? ''

/** Each value that a template may name. */
const texts = {
  issuer: ({ issuer }) => issuer,
  discovery: ({ issuer }) => `${issuer}/.well-known/openid-configuration`,
  client_id: ({ client_id }) => client_id,
  client_name: ({ client_name }) => client_name,
  client_secret: ({ client_secret }) => client_secret ?? '',
  redirect_uri: ({ redirect_uri }) => redirect_uri ?? '',
  redirect_origin: (values) => redirect(values).origin,
  redirect_authority: (values) => redirect(values).host,
  redirect_path: (values) => redirect(values).pathname,
  redirect_host: (values) => redirect(values).hostname.replace(/^\[|\]$/g, ''),
  redirect_port: (values) => redirect(values).port,
  redirect_scheme: (values) => redirect(values).protocol.slice(0, -1),
  post_logout_redirect_uri: ({ post_logout_redirect_uri: uri }) => uri ?? '',
  scope: ({ scope }) => scope,
  auth_method: ({ auth_method }) => auth_method,
  authorization_url: authorizationUrl,
  token_endpoint: endpoint('token_endpoint'),
  userinfo_endpoint: endpoint('userinfo_endpoint'),
  end_session_endpoint: endpoint('end_session_endpoint'),
  introspection_endpoint: endpoint('introspection_endpoint'),
  revocation_endpoint: endpoint('revocation_endpoint'),
  device_authorization_endpoint: endpoint('device_authorization_endpoint'),
} as const satisfies Record<string, Text>

const isName = (name: string): name is keyof typeof texts => Object.hasOwn(texts, name)

/** An authorization request without what changes each time: state, nonce and code_challenge. */
export function authorizationUrl({ endpoints, client_id, redirect_uri, scope }: KitValues): string {
  const url = new URL(endpoints.authorization_endpoint ?? '')
  const params = { response_type: 'code', client_id, redirect_uri: redirect_uri ?? '', scope }
  for (const [name, value] of Object.entries(params)) if (value !== '') url.searchParams.set(name, value)
  return url.href
}

const conditions = {
  secret: ({ auth_method }) => auth_method !== 'none',
  public: ({ auth_method }) => auth_method === 'none',
  basic: ({ auth_method }) => auth_method === 'client_secret_basic',
  post: ({ auth_method }) => auth_method === 'client_secret_post',
  unknown_secret: ({ auth_method, client_secret }) => auth_method !== 'none' && client_secret === undefined,
  given_secret: ({ client_secret }) => client_secret !== undefined,
  redirects: ({ redirect_uri: uri }) => uri !== undefined,
  no_post_logout: ({ post_logout_redirect_uri: uri }) => uri === undefined,
  post_logout: ({ post_logout_redirect_uri: uri }) => uri !== undefined,
  code: ({ grants }) => grants.includes('code'),
  refresh: ({ grants }) => grants.includes('refresh'),
  service: ({ grants }) => grants.includes('service'),
  device: ({ grants }) => grants.includes('device'),
} as const satisfies Record<string, (values: KitValues) => boolean>

const isCondition = (name: string): name is keyof typeof conditions => Object.hasOwn(conditions, name)

/** Throws Unwritable for a value that the language has no literal for. */
function literalOf(name: string, values: KitValues, language: Language): string {
  const { text, list } = literals[language]
  if (name === 'scopes') return list(values.scope.split(' ').filter((each) => each !== ''))
  if (!isName(name)) throw new Error(`no value is named ${name}`)
  return text(texts[name](values))
}

const block = /^[^\S\n]*(?:\/\/|#|--)?[^\S\n]*@@if (\w+)@@[^\n]*\n([\s\S]*?)^[^\n]*@@end@@[^\n]*\n/gm

/** The text of a file. Throws Unwritable, or Error for a name that is no value. */
export function fill(template: string, values: KitValues, language: Language): string {
  return template
    .replace(block, (_, name: string, lines: string) => {
      if (!isCondition(name)) throw new Error(`no condition is named ${name}`)
      return conditions[name](values) ? lines : ''
    })
    .replace(/@@(\w+)@@/g, (_, name: string) => literalOf(name, values, language))
}

/** A file of a template. `language`: of its placeholders; a file without one needs none. */
export const fromTemplate = (
  path: string,
  template: string,
  values: KitValues,
  language: Language = 'plain',
): KitFile => ({ path, text: fill(template, values, language) })
