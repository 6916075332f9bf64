/** A `.http` file for the HTTP client of JetBrains and for httpYac, an extension of VS Code and a command. https://httpyac.github.io/guide/request.html */
import { anyMethod, type Kit, type KitFile, type KitValues } from '../kit.ts'
import { literals } from '../literal.ts'
import { type KitRequest, literally, requestsOf, type Value } from '../requests.ts'
import { authorizationUrl } from '../template.ts'

const nameOf = ({ name }: KitRequest): string => name.toLowerCase().replaceAll(/[^a-z]+/g, '_')

/** Form-encoded, so that no value can end a line or begin a variable. */
const text = (value: Value): string =>
  typeof value === 'string' ? encodeURIComponent(value) : `{{${value.variable}}}`

const keeping = (names: readonly string[]): string[] => [
  '',
  '> {%',
  ...names.map((name) => `  if (response.body.${name}) client.global.set('${name}', response.body.${name})`),
  '%}',
]

function requestText(request: KitRequest, { client_id }: KitValues): string {
  const headers = [
    ...(request.auth === 'bearer' ? ['Authorization: Bearer {{access_token}}'] : []),
    ...(request.auth === 'client'
      ? [`Authorization: Basic ${encodeURIComponent(client_id)} {{client_secret}}`]
      : []),
    ...(request.form ? ['Content-Type: application/x-www-form-urlencoded'] : []),
  ]
  const fields = request.form?.map(([name, value], at) => `${at > 0 ? '&' : ''}${name}=${text(value)}`)
  return [
    `### ${request.name}`,
    ...(request.note === undefined ? [] : [`# ${request.note}`]),
    `# @name ${nameOf(request)}`,
    `${request.method} ${literally(request.url)}`,
    ...headers,
    ...(fields ? ['', ...fields] : []),
    ...(request.keeps ? keeping(request.keeps) : []),
    '',
  ].join('\n')
}

/** The name of the environment that the files are for. */
const environment = 'kit'

/** Both programs read it beside the requests, and leave it out of what they share. */
const privateFile = ({ client_secret: secret }: KitValues): KitFile => ({
  path: 'http-client.private.env.json',
  text: `${JSON.stringify({ [environment]: { client_secret: literally(secret ?? '') } }, null, 2)}\n`,
  isPrivate: true,
})

/** What the reader fills in. */
const variableLines = ({ grants, pkce }: KitValues): string[] =>
  grants.includes('code') ? ['@code =', `@code_verifier = ${pkce.code_verifier}`, ''] : []

/** In the comment: the request that a browser makes. */
function signInLines(values: KitValues): string[] {
  if (!values.grants.includes('code')) return []
  const url = new URL(authorizationUrl(values))
  for (const [name, value] of Object.entries({
    state: 'by-hand',
    code_challenge: values.pkce.code_challenge,
    code_challenge_method: 'S256',
  }))
    url.searchParams.set(name, value)
  return [
    '# Sign in: open this address in a browser, and copy the value of code from the address to which it comes back.',
    '# code_verifier belongs to the code_challenge of this address. An application makes a new pair, a new state and a',
    '# new nonce for each sign-in.',
    `# ${literally(url.href)}`,
    '',
  ]
}

const file = (values: KitValues): string =>
  [
    `# ${literals.markdown.text(values.client_name)}`,
    '',
    ...variableLines(values),
    ...signInLines(values),
    ...requestsOf(values).map((request) => requestText(request, values)),
  ].join('\n')

export const http: Kit = {
  kind: 'http',
  title: '.http file',
  methods: anyMethod,
  files: (values) => [
    { path: 'requests.http', text: file(values) },
    ...(values.auth_method === 'none' ? [] : [privateFile(values)]),
  ],
  run: () => [],
}
