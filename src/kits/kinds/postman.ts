/** A collection for Postman and newman. https://schema.postman.com/collection/json/v2.1.0/draft-07/docs/index.html */
import { anyMethod, type Kit, type KitValues } from '../kit.ts'
import { type KitRequest, literally, requestsOf, type Value, variables } from '../requests.ts'

const text = (value: Value): string =>
  typeof value === 'string' ? literally(value) : `{{${value.variable}}}`

const pairs = (members: Readonly<Record<string, string>>) =>
  Object.entries(members).map(([key, value]) => ({ key, value, type: 'string' }))

const authOf = ({ auth }: KitRequest) => {
  if (auth === undefined) return { type: 'noauth' }
  return auth === 'bearer'
    ? { type: 'bearer', bearer: pairs({ token: '{{access_token}}' }) }
    : { type: 'basic', basic: pairs({ username: '{{client_id_encoded}}', password: '{{client_secret}}' }) }
}

const keeping = (names: readonly string[]) => ({
  listen: 'test',
  script: {
    type: 'text/javascript',
    exec: [
      'const answer = pm.response.json()',
      `for (const name of ${JSON.stringify(names)})`,
      '  if (answer[name] !== undefined) pm.collectionVariables.set(name, answer[name])',
    ],
  },
})

const itemOf = (request: KitRequest) => ({
  name: request.name,
  ...(request.keeps && { event: [keeping(request.keeps)] }),
  request: {
    method: request.method,
    header: [],
    url: literally(request.url),
    auth: authOf(request),
    ...(request.form && {
      body: {
        mode: 'urlencoded',
        urlencoded: request.form.map(([key, value]) => ({ key, value: text(value), type: 'text' })),
      },
    }),
    ...(request.note !== undefined && { description: request.note }),
  },
})

/** The sign-in in the window of Postman: "Get New Access Token". */
const oauth = (values: KitValues) => ({
  type: 'oauth2',
  oauth2: pairs({
    grant_type: 'authorization_code_with_pkce',
    challengeAlgorithm: 'S256',
    authUrl: values.endpoints.authorization_endpoint ?? '',
    accessTokenUrl: values.endpoints.token_endpoint ?? '',
    redirect_uri: literally(values.redirect_uri ?? ''),
    clientId: literally(values.client_id),
    clientSecret: values.auth_method === 'none' ? '' : '{{client_secret}}',
    scope: literally(values.scope),
    client_authentication: values.auth_method === 'client_secret_basic' ? 'header' : 'body',
    addTokenTo: 'header',
    tokenName: 'Access token',
  }),
})

function collection(values: KitValues) {
  const signIn = {
    name: 'Sign in',
    request: {
      method: 'GET',
      header: [],
      url: literally(values.endpoints.userinfo_endpoint ?? ''),
      auth: oauth(values),
      description: 'Authorization, Get New Access Token: Postman opens the sign-in and sends this request.',
    },
  }
  return {
    info: {
      name: values.client_name,
      schema: 'https://schema.getpostman.com/json/collection/v2.1.0/collection.json',
    },
    item: [...(values.grants.includes('code') ? [signIn] : []), ...requestsOf(values).map(itemOf)],
    variable: [
      // RFC 6749 §2.3.1: form-encoded before they become user and password.
      { key: 'client_id_encoded', value: encodeURIComponent(values.client_id) },
      ...variables.map((key) => ({
        key,
        value: key === 'client_secret' ? literally(values.client_secret ?? '') : '',
      })),
    ],
  }
}

export const postman: Kit = {
  kind: 'postman',
  title: 'Postman',
  methods: anyMethod,
  files: (values) => [
    {
      path: 'collection.json',
      text: `${JSON.stringify(collection(values), null, 2)}\n`,
      isPrivate: values.client_secret !== undefined,
    },
  ],
  run: () => [],
}
