/** A collection for Bruno: one file for each request. https://docs.usebruno.com/bru-lang/overview */
import { anyMethod, type Kit, type KitFile, type KitValues } from '../kit.ts'
import { Unwritable } from '../literal.ts'
import { type KitRequest, literally, requestsOf, type Value, variables } from '../requests.ts'
import { hasUnsafe } from '../../lib/unsafe_text.ts'

/** A value ends at the end of its line, and white space around it is lost. */
function line(value: string): string {
  if (hasUnsafe(value, 'line') || value !== value.trim())
    throw new Unwritable('a file of Bruno cannot hold a control character')
  return literally(value)
}

const text = (value: Value): string => (typeof value === 'string' ? line(value) : `{{${value.variable}}}`)

const block = (name: string, rows: readonly (readonly [name: string, value: string])[]): string =>
  `${name} {\n${rows.map(([key, value]) => `  ${key}: ${value}`.trimEnd()).join('\n')}\n}\n`

const lines = (name: string, rows: readonly string[]): string =>
  `${name} {\n${rows.map((row) => `  ${row}`).join('\n')}\n}\n`

const authOf = ({ auth }: KitRequest): { mode: string; blocks: string[] } => {
  if (auth === undefined) return { mode: 'none', blocks: [] }
  return auth === 'bearer'
    ? { mode: 'bearer', blocks: [block('auth:bearer', [['token', '{{access_token}}']])] }
    : {
        mode: 'basic',
        blocks: [
          block('auth:basic', [
            ['username', '{{client_id_encoded}}'],
            ['password', '{{client_secret}}'],
          ]),
        ],
      }
}

const head = (name: string, seq: number): string =>
  block('meta', [
    ['name', name],
    ['type', 'http'],
    ['seq', `${seq}`],
  ])

function requestFile(request: KitRequest, seq: number): KitFile {
  const { mode, blocks } = authOf(request)
  const parts = [
    head(request.name, seq),
    block(request.method.toLowerCase(), [
      ['url', line(request.url)],
      ['body', request.form ? 'formUrlEncoded' : 'none'],
      ['auth', mode],
    ]),
    ...blocks,
    ...(request.form
      ? [
          block(
            'body:form-urlencoded',
            request.form.map(([name, value]) => [name, text(value)]),
          ),
        ]
      : []),
    ...(request.keeps
      ? [
          lines(
            'script:post-response',
            request.keeps.map((name) => `if (res.body.${name}) bru.setVar('${name}', res.body.${name})`),
          ),
        ]
      : []),
    ...(request.note === undefined ? [] : [lines('docs', [request.note])]),
  ]
  return { path: `${request.name}.bru`, text: parts.join('\n') }
}

/** Bruno opens the sign-in and sends the request. */
const signInFile = (values: KitValues): KitFile => ({
  path: 'Sign in.bru',
  text: [
    head('Sign in', 1),
    block('get', [
      ['url', line(values.endpoints.userinfo_endpoint ?? '')],
      ['body', 'none'],
      ['auth', 'oauth2'],
    ]),
    block('auth:oauth2', [
      ['grant_type', 'authorization_code'],
      ['callback_url', line(values.redirect_uri ?? '')],
      ['authorization_url', line(values.endpoints.authorization_endpoint ?? '')],
      ['access_token_url', line(values.endpoints.token_endpoint ?? '')],
      ['refresh_token_url', ''],
      ['client_id', line(values.client_id)],
      ['client_secret', values.auth_method === 'none' ? '' : '{{client_secret}}'],
      ['scope', line(values.scope)],
      ['state', ''],
      ['pkce', 'true'],
      ['credentials_placement', values.auth_method === 'client_secret_basic' ? 'basic_auth_header' : 'body'],
      ['credentials_id', 'credentials'],
      ['token_placement', 'header'],
      ['token_header_prefix', 'Bearer'],
      ['auto_fetch_token', 'true'],
      ['auto_refresh_token', 'false'],
    ]),
  ].join('\n'),
})

const environment = (values: KitValues): KitFile => ({
  path: 'environments/Latchkey.bru',
  text: block('vars', [
    ['client_id_encoded', encodeURIComponent(values.client_id)],
    ...variables
      .filter((name) => name !== 'client_secret' || values.auth_method !== 'none')
      .map(
        (name) =>
          [
            name,
            name !== 'client_secret'
              ? ''
              : line(values.client_secret ?? '') || '{{process.env.CLIENT_SECRET}}',
          ] as const,
      ),
  ]),
  isPrivate: values.client_secret !== undefined,
})

export const bruno: Kit = {
  kind: 'bruno',
  title: 'Bruno',
  methods: anyMethod,
  files: (values) => [
    {
      path: 'bruno.json',
      text: `${JSON.stringify({ version: '1', name: values.client_name, type: 'collection' }, null, 2)}\n`,
    },
    environment(values),
    ...(values.grants.includes('code') ? [signInFile(values)] : []),
    ...requestsOf(values).map((request, at) => requestFile(request, at + 2)),
  ],
  run: () => [],
}
