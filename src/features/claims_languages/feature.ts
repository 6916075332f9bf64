/** Claims in several languages and scripts: a client requests languages with claims_locales. https://openid.net/specs/openid-connect-core-1_0.html#ClaimsLanguagesAndScripts */
import * as v from 'valibot'
import { isLanguageTag } from '../../auth/claims.ts'
import { type AuthorizationParameter, defineFeature } from '../../contracts/feature.ts'
import { declareGrantMembers } from '../../models/grant.ts'

const ofGrant = declareGrantMembers({ claims_locales: v.array(v.string()) })

/** Languages kept in a grant; the others are ignored. */
const most = 20

/** §3.1.2.1: invalid tags, and languages that the claims do not have, are no error. */
const parameter: AuthorizationParameter = {
  name: 'claims_locales',
  schema: v.pipe(v.string(), v.description('Languages of claims, separated by spaces, best first')),
  async read(_context, { claims_locales: text }) {
    const wanted = (text ?? '').split(' ').filter(isLanguageTag).slice(0, most)
    return wanted.length > 0 ? ofGrant.extra({ claims_locales: wanted }) : undefined
  },
}

export const claimsLanguages = defineFeature({
  name: 'claims_languages',
  authorizationParameters: [parameter],
})
