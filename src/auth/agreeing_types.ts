/** Response types and the grant types that they need. https://www.rfc-editor.org/rfc/rfc7591#section-2.1 */

/** The order of values does not matter: `code id_token` equals `id_token code` (OAuth 2.0 Multiple Response Types §3). */
export const canonicalResponseType = (text: string): string => text.split(' ').sort().join(' ')

const front = ['token', 'id_token']
/** The grant types that begin at the authorization endpoint. */
const ofFront = ['authorization_code', 'implicit']

/** The grant types that these response types need. */
export function grantTypesFor(responseTypes: readonly string[]): string[] {
  const parts = responseTypes.flatMap((each) => each.split(' '))
  return [
    ...(parts.includes('code') ? ['authorization_code'] : []),
    ...(parts.some((each) => front.includes(each)) ? ['implicit'] : []),
  ]
}

/** The response types of these grant types, for a client that names none. */
const responseTypesFor = (grantTypes: readonly string[], offered: readonly string[]): string[] => [
  ...(grantTypes.includes('authorization_code') ? ['code'] : []),
  ...(grantTypes.includes('implicit')
    ? ['id_token', 'id_token token'].filter((each) => offered.includes(each))
    : []),
]

const isTexts = (value: unknown): value is string[] =>
  Array.isArray(value) && value.every((each) => typeof each === 'string')

/**
 * The body with the one of the two members that it lacks, as the other needs it, and without grant types that no response
 * type uses. Without both, the defaults of §2 agree.
 */
export function withAgreeingTypes(
  body: Record<string, unknown>,
  offered: readonly string[],
): Record<string, unknown> {
  const { grant_types: grants, response_types: types } = body
  if (grants === undefined && isTexts(types)) return { ...body, grant_types: grantTypesFor(types) }
  // A refresh token comes by another grant type, so refresh_token alone says nothing: the default `code` stays.
  if (types === undefined && isTexts(grants) && grants.some((each) => each !== 'refresh_token'))
    return { ...body, response_types: responseTypesFor(grants, offered) }
  if (isTexts(types) && isTexts(grants)) {
    const needed = grantTypesFor(types)
    return { ...body, grant_types: grants.filter((each) => !ofFront.includes(each) || needed.includes(each)) }
  }
  return body
}

/** The grant type that a response type needs and the client does not have. */
export const missingGrantType = (metadata: {
  grant_types: readonly string[]
  response_types: readonly string[]
}): string | undefined =>
  grantTypesFor(metadata.response_types).find((each) => !metadata.grant_types.includes(each))
