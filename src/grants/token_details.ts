/** The authorization_details of an access token, which its feature grants and introspection shows. https://www.rfc-editor.org/rfc/rfc9396#section-9 */
import * as v from 'valibot'
import { concerns } from '../auth/authorization_details.ts'
import { declareTokenClaims } from '../models/access_token.ts'
import type { Client } from '../models/client.ts'

const DetailObject = v.looseObject({ type: v.pipe(v.string(), v.nonEmpty()) })
export const Details = v.pipe(v.array(DetailObject), v.nonEmpty(), v.maxLength(20))
export type Detail = v.InferOutput<typeof DetailObject>

export const ofToken = declareTokenClaims({ authorization_details: Details })

/** §9.2: an API that is tied to its resources gets those that concern it. */
export function detailsFor(claims: { aud: string | string[] }, { client_id, resource_uris }: Client) {
  const { authorization_details: all } = ofToken.of(claims)
  if (all === undefined || resource_uris === undefined) return {}
  const authorization_details = all.filter((each) => concerns(each, [client_id, ...resource_uris]))
  return { authorization_details }
}
