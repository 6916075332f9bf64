/** Parameters of a request, each of which came once. https://www.rfc-editor.org/rfc/rfc6749#section-3.1 */
import * as v from 'valibot'

export type Params = Readonly<Record<string, string>>

/** Between the values of a parameter that came more than once. No URI and no client_id has it. */
export const repeated = '\n'

/** The parameters that `entries` name. To read any other one does not compile. */
export type Given<E extends v.ObjectEntries> = Readonly<Partial<Record<keyof E, string | undefined>>>

/** A parameter that may be absent. `description` is for /openapi.json. */
export const optionalText = (description: string) =>
  v.optional(v.pipe(v.string(), v.description(description)))

/** The one token of an introspection (RFC 7662 §2.1) or revocation request (RFC 7009 §2.1). */
export const TokenParams = v.object({
  token: v.string('a token'),
  token_type_hint: optionalText('Ignored: the form of the token says what it is'),
})
