/** The pieces an OpenAPI description is made of. https://spec.openapis.org/oas/v3.1.0 */
import * as v from 'valibot'
import { clientParameters } from '../auth/client_auth.ts'

/** A JSON Schema 2020-12 object, a reference, or whatever else the document holds. */
export type Part = Readonly<Record<string, unknown>>

/** What a parser takes: the schema that it parses with, or a component by `ref`. */
export type Shape = v.GenericSchema | Part

/** An object schema whose entries can be read. */
export type ObjectShape = v.ObjectSchema<v.ObjectEntries, undefined>

/** One method of one path. `summary` is one line; `responses` has at least one status. */
export interface Operation {
  summary: string
  description?: string
  /** Parameters of the path, and of the query where no schema names them. */
  parameters?: readonly Part[]
  /** The parameters of the query. */
  query?: ObjectShape
  /** The body, as a form or as JSON. */
  form?: Shape
  json?: Shape
  responses: Readonly<Record<string, Part>>
  /** The JSON of the answer with this status, by the schema that makes it. */
  answer?: { status: number; description: string; shape: Shape }
  security?: readonly Part[]
  /** In place of the tag that follows from the endpoint. */
  tags?: readonly string[]
}

/** Operations by method, as the endpoint spells its methods. */
export type Operations = Readonly<Record<string, Operation>>

export const ref = (name: string): Part => ({ $ref: `#/components/schemas/${name}` })
const response = (name: string): Part => ({ $ref: `#/components/responses/${name}` })

export const text = (description: string, more: Part = {}): Part => ({ type: 'string', description, ...more })
export const words = (description: string, items: Part = { type: 'string' }): Part => ({
  type: 'array',
  description,
  items,
})
export const whole = (description: string): Part => ({ type: 'integer', description })
export const flag = (description: string): Part => ({ type: 'boolean', description })

/** An object; the names in `required` must be there, and others than those listed may be. */
export const object = (
  properties: Readonly<Record<string, Part>>,
  required: readonly string[] = [],
): Part => ({
  type: 'object',
  properties,
  ...(required.length > 0 && { required }),
})

export const jsonReply = (description: string, schema: Part, type = 'application/json'): Part => ({
  description,
  content: { [type]: { schema } },
})

export const page = (description: string): Part => ({
  description,
  content: { 'text/html': { schema: { type: 'string' } } },
})

/** 303: the browser goes on with GET. */
export const seeOther = (description: string): Part => ({
  description,
  headers: { Location: { description: 'Where the browser goes next', schema: { type: 'string' } } },
})

export const inQuery = (name: string, schema: Part, required = false): Part => ({
  name,
  in: 'query',
  ...(required && { required }),
  schema,
})

/** What every limited JSON endpoint may also say. */
export const troubles: Readonly<Record<string, Part>> = {
  400: response('BadRequest'),
  429: response('TooManyRequests'),
  503: response('Unavailable'),
}

/** The same for pages. */
export const pageTroubles: Readonly<Record<string, Part>> = {
  400: response('ErrorPage'),
  429: response('ErrorPage'),
  503: response('ErrorPage'),
}

export const unauthorizedClient = response('UnauthorizedClient')
export const unauthorizedToken = response('UnauthorizedToken')
export const forbidden = response('Forbidden')

/** Security of an endpoint that authenticates its client: Basic, or parameters of the body. */
export const asClient: readonly Part[] = [{ client_secret_basic: [] }, {}]
/** Security of an endpoint that takes access tokens. */
export const withToken: readonly Part[] = [{ access_token: [] }]

/** A form with these parameters and those of client authentication. */
export const clientForm = (request: ObjectShape): ObjectShape =>
  v.object({ ...request.entries, ...clientParameters })

/** A POST by an authenticated client with a form: `request` in, `answer` out with `status`. */
export const clientPost = (
  summary: string,
  request: ObjectShape,
  answer: Part,
  status = 200,
): Operations => ({
  POST: {
    summary,
    security: asClient,
    form: clientForm(request),
    responses: { [status]: jsonReply(summary, answer), ...troubles, 401: unauthorizedClient },
  },
})

const error = (description: string, headers: Part = {}): Part => ({
  ...jsonReply(description, ref('Error')),
  ...(Object.keys(headers).length > 0 && { headers }),
})

const retryAfter = { 'Retry-After': { description: 'Seconds', schema: { type: 'integer' } } }
const challenge = { 'WWW-Authenticate': { description: 'How to authenticate', schema: { type: 'string' } } }

export const sharedResponses: Readonly<Record<string, Part>> = {
  BadRequest: error('The request is refused; `error` says why (RFC 6749 §5.2)'),
  UnauthorizedClient: error('Client authentication failed', challenge),
  UnauthorizedToken: error('No access token, or one that is not valid (RFC 6750 §3)', challenge),
  Forbidden: error('Not allowed'),
  TooManyRequests: error('Too many requests from this address', retryAfter),
  Unavailable: error(
    'The store did not answer, or the server is stopping; not done as far as we know',
    retryAfter,
  ),
  ErrorPage: page('A page that says what is wrong'),
}
