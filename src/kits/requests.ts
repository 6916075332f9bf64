/** The requests that a client can make, from which the collections of API clients are made: one list for Postman, Bruno, Insomnia and `.http` files. */
import type { KitValues } from './kit.ts'
import { Unwritable } from './literal.ts'

/** What changes from request to request, or is a secret. Each is a variable of the collection. */
export const variables = [
  'client_secret',
  'code',
  'code_verifier',
  'access_token',
  'refresh_token',
  'device_code',
] as const
export type Variable = (typeof variables)[number]

/** A value of the client, or a variable. */
export type Value = string | { variable: Variable }

export interface KitRequest {
  name: string
  /** What to do before it, in one sentence. */
  note?: string
  method: 'GET' | 'POST'
  url: string
  form?: readonly (readonly [name: string, value: Value])[]
  /** `client`: HTTP Basic, where that is the method of the client. `bearer`: the access token. */
  auth?: 'client' | 'bearer'
  /** Members of the answer that become variables. */
  keeps?: readonly Variable[]
}

const of = (variable: Variable): Value => ({ variable })

type Fields = NonNullable<KitRequest['form']>

/** A form POST of the client, with the authentication that it registered. */
function posted(values: KitValues, more: Omit<KitRequest, 'method' | 'auth'> & { form: Fields }): KitRequest {
  const { auth_method: method, client_id } = values
  const own: Fields = [
    ...(method === 'client_secret_basic' ? [] : [['client_id', client_id] as const]),
    ...(method === 'client_secret_post' ? [['client_secret', of('client_secret')] as const] : []),
  ]
  return {
    ...more,
    method: 'POST',
    form: [...more.form, ...own],
    ...(method === 'client_secret_basic' && { auth: 'client' as const }),
  }
}

type Row = (values: KitValues, url: (name: string) => string) => KitRequest | false

const rows: readonly Row[] = [
  ({ issuer }) => ({
    name: 'Discovery',
    method: 'GET',
    url: `${issuer}/.well-known/openid-configuration`,
  }),
  (_, url) => ({ name: 'Public keys', method: 'GET', url: url('jwks_uri') }),
  (values, url) =>
    values.grants.includes('code') &&
    posted(values, {
      name: 'Tokens for the code',
      note: 'The code is in the address to which the browser came back. It can be used once.',
      url: url('token_endpoint'),
      form: [
        ['grant_type', 'authorization_code'],
        ['code', of('code')],
        ['redirect_uri', values.redirect_uri ?? ''],
        ['code_verifier', of('code_verifier')],
      ],
      keeps: values.grants.includes('refresh') ? ['access_token', 'refresh_token'] : ['access_token'],
    }),
  (values, url) =>
    values.grants.includes('device') && {
      ...posted(values, {
        name: 'Device authorization',
        note: 'Open verification_uri_complete of the answer in a browser, and sign in there.',
        url: url('device_authorization_endpoint'),
        form: [['scope', values.scope]],
        keeps: ['device_code'],
      }),
    },
  (values, url) =>
    values.grants.includes('device') &&
    posted(values, {
      name: 'Tokens for the device',
      url: url('token_endpoint'),
      form: [
        ['grant_type', 'urn:ietf:params:oauth:grant-type:device_code'],
        ['device_code', of('device_code')],
      ],
      keeps: ['access_token'],
    }),
  (values, url) =>
    values.grants.includes('service') &&
    posted(values, {
      name: 'Access token of the service',
      url: url('token_endpoint'),
      form: [
        ['grant_type', 'client_credentials'],
        ...(values.scope === '' || signsIn(values) ? [] : [['scope', values.scope] as const]),
      ],
      ...(!signsIn(values) && { keeps: ['access_token'] }),
    }),
  (values, url) =>
    signsIn(values) && { name: 'UserInfo', method: 'GET', url: url('userinfo_endpoint'), auth: 'bearer' },
  (values, url) =>
    signsIn(values) &&
    values.grants.includes('refresh') &&
    posted(values, {
      name: 'Refresh',
      note: 'A refresh token can be used once: the answer has the next one.',
      url: url('token_endpoint'),
      form: [
        ['grant_type', 'refresh_token'],
        ['refresh_token', of('refresh_token')],
      ],
      keeps: ['access_token', 'refresh_token'],
    }),
  (values, url) =>
    values.auth_method !== 'none' &&
    posted(values, {
      name: 'Introspection',
      url: url('introspection_endpoint'),
      form: [['token', of('access_token')]],
    }),
  (values, url) =>
    posted(values, {
      name: 'Revocation',
      url: url('revocation_endpoint'),
      form: [['token', of('access_token')]],
    }),
]

/** Whether End-Users sign in to it. */
const signsIn = ({ grants }: KitValues): boolean => grants.includes('code') || grants.includes('device')

/** In the order in which they are made. What this provider does not serve is left out. */
export function requestsOf(values: KitValues): KitRequest[] {
  const url = (name: string): string => values.endpoints[name] ?? ''
  return rows.flatMap((row) => {
    const request = row(values, url)
    return request && request.url !== '' ? [request] : []
  })
}

/** Throws Unwritable for text in which an API client would look for a variable. */
export function literally(text: string): string {
  const [found] = /\{\{|\{%|\{#|'''/.exec(text) ?? []
  if (found !== undefined) throw new Unwritable(`a collection cannot hold ${found}, which begins a variable`)
  return text
}
