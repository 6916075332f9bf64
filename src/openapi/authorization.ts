/** The parameters of an authorization request: in a query, in a form, or pushed beforehand. https://openid.net/specs/openid-connect-core-1_0.html#AuthRequest */
import * as v from 'valibot'
import { authorizationParameters } from '../auth/authorization_request.ts'
import type { Described } from './described.ts'
import type { ObjectShape } from './parts.ts'

const names = (rows: ReadonlyMap<string, unknown>) => [...rows.keys()]

/** The parameters of the core and of the features, and what may stand in place of them. */
function request(
  { table, scopes }: Described,
  { required, sources }: { required: readonly string[]; sources: readonly string[] },
): ObjectShape {
  const { response_type, response_mode } = authorizationParameters
  const instead = v.pipe(v.string(), v.description('In place of the other parameters, except client_id'))
  const parameters = {
    ...authorizationParameters,
    response_type: v.pipe(response_type, v.values(names(table.responseTypes))),
    response_mode: v.pipe(response_mode, v.values(names(table.responseModes))),
    scope: v.pipe(v.string(), v.description(`Separated by spaces, among: ${scopes.join(' ')}`)),
    ...Object.fromEntries(table.authorizationParameters.map(({ name, schema }) => [name, schema])),
    ...Object.fromEntries(sources.map((name) => [name, instead])),
  }
  return v.object(
    Object.fromEntries(
      Object.entries(parameters).map(([name, schema]) => [
        name,
        required.includes(name) ? schema : v.optional(schema),
      ]),
    ),
  )
}

/** Parameters that stand in place of the others: the request was pushed, or is a JWT. */
const sourcesOf = ({ table }: Described): string[] => [
  ...new Set(table.requestSources.map(({ parameter }) => parameter)),
]

/** At the authorization endpoint. */
export function authorizationRequest(described: Described): ObjectShape {
  const sources = sourcesOf(described)
  const required = sources.length > 0 ? ['client_id'] : ['client_id', 'redirect_uri', 'response_type']
  return request(described, { required, sources })
}

/** At the endpoint for pushed authorization requests. A reference may not be pushed (RFC 9126 §2.1). */
export const pushedRequest = (described: Described): ObjectShape =>
  request(described, {
    required: [],
    sources: sourcesOf(described).filter((name) => name !== 'request_uri'),
  })
