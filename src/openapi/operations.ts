/** What the OpenAPI document says of each endpoint of the core. Features describe their own, in `api` of the endpoint. */
import type { Described } from './described.ts'
import { authorizationQuery } from './authorization.ts'
import {
  forbidden,
  formBody,
  inQuery,
  jsonReply,
  object,
  type Operation,
  type Operations,
  page,
  pageTroubles,
  type Part,
  ref,
  seeOther,
  text,
  troubles,
  unauthorizedClient,
  unauthorizedToken,
} from './parts.ts'

/** Basic, or `client_id` and what the client registered in the body. */
const asClient = [{ client_secret_basic: [] }, {}]
const withToken = [{ access_token: [] }]

const logoutParameters: [string, Part][] = [
  ['id_token_hint', text('An ID Token of the session; with it the person is not asked again')],
  ['client_id', text('Who asks; needed to go back without a hint')],
  ['post_logout_redirect_uri', text('Exactly as registered')],
  ['state', text('Comes back as it was')],
]

const logoutResponses = {
  200: page('Signed out, or the question whether to'),
  303: seeOther('Back to the client, signed out'),
  ...pageTroubles,
  403: page('The form was not ours'),
}

const userinfo: Operation = {
  summary: 'Claims of the person the access token is about',
  security: withToken,
  responses: {
    200: jsonReply('What the scopes and the claims parameter asked for', ref('Claims')),
    ...troubles,
    401: unauthorizedToken,
    403: forbidden,
  },
}

/** By endpoint name, then method. */
export const operations = (context: Described): Readonly<Record<string, Operations>> => ({
  discovery: {
    GET: {
      summary: 'What this provider can do',
      responses: {
        200: jsonReply('Provider metadata (OpenID Connect Discovery, RFC 8414)', ref('Metadata')),
      },
    },
  },
  jwks: {
    GET: {
      summary: 'Public signing keys',
      responses: { 200: jsonReply('JWK set', ref('Jwks'), 'application/jwk-set+json') },
    },
  },
  authorization: {
    GET: {
      summary: 'A person signs in and consents; the client gets a code',
      description:
        'For browsers. Errors go back to the client with `state` and `iss`, except for an unknown client or redirect_uri: those are a page.',
      parameters: authorizationQuery(context),
      responses: {
        303: seeOther('To the next page, or to redirect_uri with code (or error), state and iss'),
        ...pageTroubles,
      },
    },
    POST: {
      summary: 'The same with parameters in a form',
      requestBody: formBody(ref('AuthorizationRequest')),
      responses: { 303: seeOther('To the same request as a GET'), ...pageTroubles },
    },
  },
  token: {
    POST: {
      summary: 'Tokens for a code, a refresh token or the client itself',
      security: asClient,
      requestBody: formBody(ref('TokenRequest')),
      responses: {
        200: jsonReply('Tokens', ref('TokenResponse')),
        ...troubles,
        401: unauthorizedClient,
      },
    },
  },
  userinfo: { GET: userinfo, POST: userinfo },
  introspection: {
    POST: {
      summary: 'Is this token good, and what does it say?',
      security: asClient,
      requestBody: formBody(ref('OneToken')),
      responses: {
        200: jsonReply('Active with what it says, or not active', ref('Introspection')),
        ...troubles,
        401: unauthorizedClient,
      },
    },
  },
  revocation: {
    POST: {
      summary: 'End a token; a refresh token takes its whole grant along',
      security: asClient,
      requestBody: formBody(ref('OneToken')),
      responses: {
        200: { description: 'It is revoked, or was not alive' },
        ...troubles,
        401: unauthorizedClient,
      },
    },
  },
  registration: {
    POST: {
      summary: 'A client registers itself',
      description: 'Open, closed or by initial access token: REGISTRATION.',
      security: [{ initial_access_token: [] }, {}],
      requestBody: { required: true, content: { 'application/json': { schema: ref('ClientMetadata') } } },
      responses: {
        201: jsonReply('The client as registered', ref('Client')),
        ...troubles,
        401: unauthorizedToken,
        403: forbidden,
      },
    },
  },
  end_session: {
    GET: {
      summary: 'Sign a person out',
      parameters: logoutParameters.map(([name, schema]) => inQuery(name, schema)),
      responses: logoutResponses,
    },
    POST: {
      summary: 'The same with parameters in a form',
      requestBody: formBody(
        object({
          ...Object.fromEntries(logoutParameters),
          csrf_token: text('From our own page'),
          logout: text('The button of our own page'),
        }),
      ),
      responses: logoutResponses,
    },
  },
  health: {
    GET: {
      summary: 'Can this instance serve?',
      responses: {
        200: jsonReply('It can', ref('Health')),
        503: jsonReply('The store is down, or it is stopping', ref('Health')),
      },
    },
  },
  metrics: {
    GET: {
      summary: 'Counters for Prometheus',
      description: 'With METRICS_TOKEN where one is set; otherwise from this machine alone.',
      security: [{ metrics_token: [] }, {}],
      responses: {
        200: { description: 'Metrics', content: { 'text/plain': { schema: { type: 'string' } } } },
        404: jsonReply('Not for this caller', ref('Error')),
      },
    },
  },
  openapi: {
    GET: {
      summary: 'This document',
      responses: { 200: jsonReply('OpenAPI 3.1', { type: 'object' }) },
    },
  },
})
