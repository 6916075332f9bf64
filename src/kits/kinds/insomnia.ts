/** A collection for Insomnia, in its format 5. JSON is YAML 1.2. https://docs.insomnia.rest/insomnia/import-export-data */
import { anyMethod, type Kit, type KitValues } from '../kit.ts'
import { type KitRequest, literally, requestsOf, type Value, variables } from '../requests.ts'

const text = (value: Value): string =>
  typeof value === 'string' ? literally(value) : `{{ _.${value.variable} }}`

const authOf = ({ auth }: KitRequest) => {
  if (auth === undefined) return { type: 'none' }
  return auth === 'bearer'
    ? { type: 'bearer', token: '{{ _.access_token }}' }
    : { type: 'basic', username: '{{ _.client_id_encoded }}', password: '{{ _.client_secret }}' }
}

const form = 'application/x-www-form-urlencoded'

const itemOf = (request: KitRequest, at: number) => ({
  name: request.name,
  meta: { id: `req_latchkey_${at}`, sortKey: at, description: request.note ?? '' },
  url: literally(request.url),
  method: request.method,
  headers: request.form ? [{ name: 'content-type', value: form }] : [],
  authentication: authOf(request),
  ...(request.form && {
    body: { mimeType: form, params: request.form.map(([name, value]) => ({ name, value: text(value) })) },
  }),
  ...(request.keeps && {
    scripts: {
      afterResponse: [
        'const answer = insomnia.response.json()',
        `for (const name of ${JSON.stringify(request.keeps)})`,
        '  if (answer[name] !== undefined) insomnia.environment.set(name, answer[name])',
      ].join('\n'),
    },
  }),
})

/** Insomnia opens the sign-in and sends the request. */
const signIn = (values: KitValues) => ({
  name: 'Sign in',
  meta: { id: 'req_latchkey_sign_in', sortKey: -1, description: 'Send opens the sign-in.' },
  url: literally(values.endpoints.userinfo_endpoint ?? ''),
  method: 'GET',
  headers: [],
  authentication: {
    type: 'oauth2',
    grantType: 'authorization_code',
    usePkce: true,
    pkceMethod: 'S256',
    authorizationUrl: literally(values.endpoints.authorization_endpoint ?? ''),
    accessTokenUrl: literally(values.endpoints.token_endpoint ?? ''),
    redirectUrl: literally(values.redirect_uri ?? ''),
    clientId: literally(values.client_id),
    clientSecret: values.auth_method === 'none' ? '' : '{{ _.client_secret }}',
    credentialsInBody: values.auth_method !== 'client_secret_basic',
    scope: literally(values.scope),
  },
})

const collection = (values: KitValues) => ({
  type: 'collection.insomnia.rest/5.0',
  schema_version: '5.1',
  name: values.client_name,
  meta: { id: 'wrk_latchkey' },
  collection: [
    ...(values.grants.includes('code') ? [signIn(values)] : []),
    ...requestsOf(values).map((request, at) => itemOf(request, at)),
  ],
  environments: {
    name: 'Base Environment',
    meta: { id: 'env_latchkey' },
    data: {
      client_id_encoded: encodeURIComponent(values.client_id),
      ...Object.fromEntries(variables.map((name) => [name, ''])),
      client_secret: literally(values.client_secret ?? ''),
    },
  },
})

export const insomnia: Kit = {
  kind: 'insomnia',
  title: 'Insomnia',
  methods: anyMethod,
  files: (values) => [
    {
      path: 'collection.yaml',
      text: `${JSON.stringify(collection(values), null, 2)}\n`,
      isPrivate: values.client_secret !== undefined,
    },
  ],
  run: () => [],
}
