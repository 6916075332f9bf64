/** Claims in several languages and scripts: an application names those it would like. https://openid.net/specs/openid-connect-core-1_0.html#ClaimsLanguagesAndScripts */
import * as v from 'valibot'
import { isLanguageTag } from '../../auth/claims.ts'
import { type AuthorizationParameter, defineFeature } from '../../contracts/feature.ts'
import { declareGrantMembers } from '../../models/grant.ts'

const ofGrant = declareGrantMembers({ claims_locales: v.array(v.string()) })

/** More than anybody reads, fewer than would burden a grant. */
const most = 20

/** §3.1.2.1: what is no tag, or no language of this person, is no error. */
const parameter: AuthorizationParameter = {
  name: 'claims_locales',
  async read(_context, { claims_locales: text }) {
    const wanted = (text ?? '').split(' ').filter(isLanguageTag).slice(0, most)
    return wanted.length > 0 ? ofGrant.extra({ claims_locales: wanted }) : undefined
  },
}

export const claimsLanguages = defineFeature({
  name: 'claims_languages',
  authorizationParameters: [parameter],
})
