/** Pairwise subjects: each sector gets a different `sub` for an End-User. https://openid.net/specs/openid-connect-core-1_0.html#PairwiseAlg */
import { check } from '../../auth/check.ts'
import * as v from 'valibot'
import { OAuthError } from '../../auth/errors.ts'
import { type Grounds, shown } from '../../auth/refusal.ts'
import type { ClientMetadata } from '../../auth/registration.ts'
import type { Context } from '../../contracts/context.ts'
import { OutboundError } from '../../outbound/outbound.ts'
import { hmac } from '../../lib/hash.ts'
import { declareMetadata } from '../../models/client.ts'
import { defineFeature, type RegistrationRule, type SubjectType } from '../../contracts/feature.ts'

const HttpsUrl = v.pipe(
  v.string(),
  v.maxLength(2000),
  v.url(),
  v.regex(/^https:\/\//i, 'expected an https URL'),
)

const metadata = declareMetadata({
  sector_identifier_uri: v.optional(
    v.pipe(HttpsUrl, v.description('A JSON array of the redirect_uris of one sector')),
  ),
})

/** §8.1: the host of sector_identifier_uri, or else the hosts of redirect_uris. Only a single host is a valid sector. */
function sectorsOf(registered: ClientMetadata): string[] {
  const { sector_identifier_uri: own } = metadata.of(registered)
  const uris = own === undefined ? registered.redirect_uris : [own]
  return [...new Set(uris.map((uri) => (/^https?:/i.test(uri) ? new URL(uri).hostname : '')))]
}

const pairwiseSubject: SubjectType = {
  name: 'pairwise',
  subjectOf({ secrets }, sub, client) {
    const [sector = '', ...others] = sectorsOf(client)
    // A client with a metadata document could change its redirect URIs to those of another sector and learn the
    // subjects of that sector. So each such client is its own sector, as is a client without a single host. The value
    // 'client …' has a space and so cannot be a host.
    const isOwnSector = client.described_at !== undefined || sector === '' || others.length > 0
    const sectorName = isOwnSector ? `client ${client.client_id}` : sector
    return hmac(secrets.lasting('pairwise subjects'), `${sectorName}\n${sub}`)
  },
}

const refuse = (grounds: Omit<Grounds, 'rule'>) =>
  new OAuthError('invalid_client_metadata', { ...grounds, rule: 'OpenID Connect Core §8.1' })

/** Only these grant types prove control of redirect_uris; with others, a client could register the URIs of another sector. */
const throughRedirects = ['authorization_code', 'implicit', 'refresh_token', 'client_credentials']

const sectors: RegistrationRule = {
  name: 'sector',
  async check(context, registered, { by, current }) {
    const { subject_type, redirect_uris, grant_types } = registered
    const { sector_identifier_uri } = metadata.of(registered)
    if (sector_identifier_uri !== undefined)
      await requireListed(sector_identifier_uri, redirect_uris, context)
    // Otherwise a client could learn both subjects of an End-User and link them.
    check(!current || current.subject_type === subject_type, () =>
      refuse({
        expected: `subject_type stays ${current?.subject_type ?? 'as registered'}`,
        next: 'register another client for another subject_type',
      }),
    )
    if (subject_type !== 'pairwise') return
    const own = sectorsOf(registered)
    check(own.length <= 1, () =>
      refuse({
        expected: 'redirect_uris of one host, or a sector_identifier_uri',
        came: own,
        problem: `redirect_uris have the hosts ${own.join(', ')}: subject_type pairwise then needs a sector_identifier_uri`,
      }),
    )
    check(own[0] !== '', () =>
      refuse({
        expected: 'redirect_uris with a host, or a sector_identifier_uri',
        problem: 'redirect_uris have no host: subject_type pairwise then needs a sector_identifier_uri',
      }),
    )
    check(!current || sectorsOf(current).join() === own.join(), () =>
      refuse({
        expected: 'the sector (the host of sector_identifier_uri or redirect_uris) may not change',
        next: 'register another client for another sector',
      }),
    )
    const otherGrantType = grant_types.find((each) => !throughRedirects.includes(each))
    check(by !== 'client' || otherGrantType === undefined, () =>
      refuse({
        expected: 'subject_type pairwise is for grant types that use redirect_uris',
        came: otherGrantType,
        problem: `subject_type pairwise is for grant types that use redirect_uris, not for ${shown(otherGrantType)}`,
      }),
    )
  },
}

/** OpenID Connect Registration §5: the document lists every redirect of every client of the sector. */
async function requireListed(url: string, redirects: readonly string[], context: Context): Promise<void> {
  const listed = await context.outbound
    .getJson(url, { purpose: 'sector_identifier', cacheFor: 10 })
    .catch((error: unknown) => {
      if (!(error instanceof OutboundError)) throw error
      throw refuse({
        expected: 'sector_identifier_uri answers with a JSON array of URIs',
        came: url,
        problem: `sector_identifier_uri ${error.told}`,
        detail: error.detail,
      })
    })
  check(Array.isArray(listed), () =>
    refuse({
      expected: 'sector_identifier_uri answers with a JSON array of URIs',
      problem: 'sector_identifier_uri does not answer with a JSON array of URIs',
    }),
  )
  const missing = redirects.find((uri) => !listed.includes(uri))
  check(missing === undefined, () =>
    refuse({
      expected: 'sector_identifier_uri lists each of redirect_uris',
      came: missing,
      problem: `sector_identifier_uri does not list ${shown(missing)}`,
    }),
  )
}

export const pairwise = defineFeature({
  name: 'pairwise',
  subjectTypes: [pairwiseSubject],
  registrationRules: [sectors],
  clientMetadata: metadata,
})
