/** Pairwise subjects: each sector knows a person by a name of its own. https://openid.net/specs/openid-connect-core-1_0.html#PairwiseAlg */
import * as v from 'valibot'
import { OAuthError } from '../../auth/errors.ts'
import { type Grounds, shown } from '../../auth/refusal.ts'
import type { ClientMetadata } from '../../auth/registration.ts'
import type { Context } from '../../contracts/context.ts'
import { OutboundError } from '../../outbound/outbound.ts'
import { deriveKey, hmac } from '../../lib/hash.ts'
import { declareMetadata } from '../../models/client.ts'
import { defineFeature, type RegistrationRule, type SubjectType } from '../../contracts/feature.ts'

const HttpsUrl = v.pipe(
  v.string(),
  v.maxLength(2000),
  v.url(),
  v.regex(/^https:\/\//i, 'expected an https URL'),
)

const metadata = declareMetadata({ sector_identifier_uri: v.optional(HttpsUrl) })

/** §8.1: the host of the one, or of the others. More than one, or none, is no sector. */
function sectorsOf(registered: ClientMetadata): string[] {
  const { sector_identifier_uri: own } = metadata.of(registered)
  const uris = own === undefined ? registered.redirect_uris : [own]
  return [...new Set(uris.map((uri) => (/^https?:/i.test(uri) ? new URL(uri).hostname : '')))]
}

const pairwiseSubject: SubjectType = {
  name: 'pairwise',
  subjectOf({ config }, sub, client) {
    const [sector = '', ...others] = sectorsOf(client)
    // A client that describes itself may say tomorrow that its redirects are somebody else's, and ask its old tokens
    // for the names of that sector. So it is a sector by itself, as is an operator's without redirects; a host has no
    // space.
    const alone = client.described_at !== undefined || sector === '' || others.length > 0
    const place = alone ? `client ${client.client_id}` : sector
    return hmac(deriveKey(config.secretKey, 'pairwise subjects'), `${place}\n${sub}`)
  },
}

const refuse = (grounds: Omit<Grounds, 'rule'>) =>
  new OAuthError('invalid_client_metadata', { ...grounds, rule: 'OpenID Connect Core §8.1' })

/** Grant types that need no redirect prove no sector: anybody may write somebody else's redirect_uris. */
const throughRedirects = ['authorization_code', 'implicit', 'refresh_token', 'client_credentials']

const sectors: RegistrationRule = {
  name: 'sector',
  async check(context, registered, { by, current }) {
    const { subject_type, redirect_uris, grant_types } = registered
    const { sector_identifier_uri } = metadata.of(registered)
    if (sector_identifier_uri !== undefined)
      await requireListed(sector_identifier_uri, redirect_uris, context)
    // Else a client could see its people under one name today and under another sector's tomorrow.
    if (current && current.subject_type !== subject_type)
      throw refuse({
        expected: `subject_type stays ${current.subject_type}`,
        next: 'register another client for another one',
      })
    if (subject_type !== 'pairwise') return
    const own = sectorsOf(registered)
    if (own.length > 1)
      throw refuse({
        expected: 'redirect_uris of one host, or a sector_identifier_uri',
        came: own,
        problem: `redirect_uris have the hosts ${own.join(', ')}: subject_type pairwise then needs a sector_identifier_uri`,
      })
    if (own[0] === '')
      throw refuse({
        expected: 'redirect_uris with a host, or a sector_identifier_uri',
        problem: 'redirect_uris have no host: subject_type pairwise then needs a sector_identifier_uri',
      })
    if (current && sectorsOf(current).join() !== own.join())
      throw refuse({
        expected: 'the host that subjects are made for may not change',
        next: 'register another client for another one',
      })
    const odd = grant_types.find((each) => !throughRedirects.includes(each))
    if (by === 'client' && odd !== undefined)
      throw refuse({
        expected: 'subject_type pairwise is for clients answered at their redirect_uris',
        came: odd,
        problem: `subject_type pairwise is for clients answered at their redirect_uris, not for ${shown(odd)}`,
      })
  },
}

/** OpenID Connect Registration §5: the document lists every redirect of every client of the sector. */
async function requireListed(url: string, redirects: readonly string[], context: Context): Promise<void> {
  const listed = await context.outbound.getJson(url, { cacheFor: 10 }).catch((error: unknown) => {
    if (!(error instanceof OutboundError)) throw error
    throw refuse({
      expected: 'sector_identifier_uri answers with a JSON array of URIs',
      came: url,
      problem: `sector_identifier_uri ${error.message}`,
      detail: error.detail,
    })
  })
  if (!Array.isArray(listed))
    throw refuse({
      expected: 'sector_identifier_uri answers with a JSON array of URIs',
      problem: 'sector_identifier_uri answers no JSON array of URIs',
    })
  const missing = redirects.find((uri) => !listed.includes(uri))
  if (missing !== undefined)
    throw refuse({
      expected: 'sector_identifier_uri lists each of redirect_uris',
      came: missing,
      problem: `sector_identifier_uri does not list ${shown(missing)}`,
    })
}

export const pairwise = defineFeature({
  name: 'pairwise',
  subjectTypes: [pairwiseSubject],
  registrationRules: [sectors],
  clientMetadata: metadata,
})
