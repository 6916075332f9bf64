/** The parameters of an authorization request: in a query, in a form, or pushed beforehand. https://openid.net/specs/openid-connect-core-1_0.html#AuthRequest */
import { promptValues } from '../auth/prompt.ts'
import type { Described } from './described.ts'
import { inQuery, object, type Part, text, whole } from './parts.ts'

const authorizationParameters = ({
  table,
  scopes,
}: Described): [name: string, schema: Part, required?: true][] => [
  ['client_id', text('Who asks'), true],
  ['redirect_uri', text('Exactly as registered'), true],
  ['response_type', text('What to answer with', { enum: [...table.responseTypes.keys()] }), true],
  ['scope', text(`Separated by spaces, among: ${scopes.join(' ')}`)],
  ['code_challenge', text('base64url(SHA-256(code_verifier)); required unless the client may do without')],
  ['code_challenge_method', text('S256', { const: 'S256' })],
  ['state', text('Comes back as it was')],
  ['nonce', text('Comes back in the ID Token')],
  ['response_mode', text('How the answer travels', { enum: [...table.responseModes.keys()] })],
  ['prompt', text(`Separated by spaces, among: ${promptValues.join(' ')}`)],
  ['max_age', whole('Seconds since sign-in that are still good')],
  ['login_hint', text('A username to fill in')],
  ['id_token_hint', text('An ID Token of the person expected')],
  ['acr_values', text('Kinds of sign-in wanted')],
  ['ui_locales', text('Languages of the pages, best first')],
  ['claims_locales', text('Languages of claims, best first (OpenID Connect Core §5.2)')],
  ['claims', text('JSON: single claims, essential or with a value (OpenID Connect Core §5.5)')],
]

/** Of a GET: where the request may come from elsewhere (pushed, or as a JWT), only the client must be named. */
export function authorizationQuery(context: Described): Part[] {
  const elsewhere = [...new Set(context.table.requestSources.map((source) => source.parameter))]
  return [
    ...authorizationParameters(context).map(([name, schema, required]) =>
      inQuery(name, schema, required && (name === 'client_id' || elsewhere.length === 0)),
    ),
    ...elsewhere.map((name) => inQuery(name, text('Instead of the other parameters, client_id excepted'))),
  ]
}

/** All of them, as members of a form. */
export function authorizationRequest(context: Described): Part {
  const parameters = authorizationParameters(context)
  return object(
    Object.fromEntries(parameters.map(([name, schema]) => [name, schema])),
    parameters.filter(([, , required]) => required).map(([name]) => name),
  )
}
