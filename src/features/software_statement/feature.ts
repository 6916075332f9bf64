/** Software statements: metadata signed by a trusted publisher overrides the metadata of the client. https://www.rfc-editor.org/rfc/rfc7591#section-2.3 */
import type { JWTPayload } from 'jose'
import { HttpError, OAuthError } from '../../auth/errors.ts'
import { optionalText } from '../../auth/params.ts'
import { RefusedError, shown } from '../../auth/refusal.ts'
import type { Config } from '../../config.ts'
import { defineEntries, featureConfig } from '../../config.ts'
import * as is from '../../config/schemas.ts'
import type { Context } from '../../contracts/context.ts'
import { clientVerificationKey } from '../../clients/client_keys.ts'
import { declareMetadata } from '../../models/client.ts'
import { defineFeature, type RegistrationRule } from '../../contracts/feature.ts'
import { heardVerification } from '../../lib/recorder.ts'

const env = defineEntries([
  {
    name: 'SOFTWARE_STATEMENT_ISSUERS',
    realm: 'own_or_default',
    schema: is.issuersWithKeys,
    outbound: is.jwksUrisIn,
    default: '',
    help: 'Publishers whose software statements are trusted (RFC 7591 §2.3). Empty: statements are ignored.',
  },
  {
    name: 'REQUIRE_SOFTWARE_STATEMENT',
    realm: 'own_or_server',
    schema: is.boolean,
    default: 'false',
    help: 'Requires a software statement of clients that register themselves.',
  },
])

const settings = (config: Config) => featureConfig(config, 'software_statement', env)

const invalid = (expected: string, came?: unknown, problem?: string) =>
  new OAuthError('invalid_software_statement', { rule: 'RFC 7591 §2.3', expected, came, problem })

const longest = 10_000

/** Claims about the statement itself, and a nested statement: not client metadata. */
const notMetadata = ['iss', 'sub', 'aud', 'exp', 'nbf', 'iat', 'jti', 'software_statement']

/** §3.1.1: members of the statement replace those of the request body. */
const statement: RegistrationRule = {
  name: 'software_statement',
  async amend(context, body, { by }) {
    const { software_statement: jwt } = body
    if (jwt === undefined) {
      if (by === 'client' && settings(context.config).requireSoftwareStatement)
        throw invalid('a software_statement is required to register')
      return { ...body }
    }
    if (typeof jwt !== 'string' || jwt.length > longest)
      throw invalid(`software_statement must be a JWT of at most ${longest} characters`)
    const signed = Object.entries(await verify(jwt, context)).filter(([name]) => !notMetadata.includes(name))
    return { ...withoutVariants(body, new Set(signed.map(([name]) => name))), ...Object.fromEntries(signed) }
  },
}

/** Also removes language variants of a signed member, and jwks beside a signed jwks_uri or the reverse, since they would contradict the statement. */
const withoutVariants = (body: Readonly<Record<string, unknown>>, signed: ReadonlySet<string>) =>
  Object.fromEntries(
    Object.entries(body).filter(
      ([name]) =>
        !signed.has(name.split('#')[0]!) &&
        !(name === 'jwks' && signed.has('jwks_uri')) &&
        !(name === 'jwks_uri' && signed.has('jwks')),
    ),
  )

/** Checks the signature of a trusted publisher, the times, and `aud` if present. */
async function verify(jwt: string, context: Context): Promise<JWTPayload> {
  const { decodeJwt, jwtVerify } = await import('jose')
  const { iss } = attempt(() => decodeJwt(jwt))
  const keys = settings(context.config).softwareStatementIssuers.find(([issuer]) => issuer === iss)
  if (!keys)
    throw new OAuthError('unapproved_software_statement', {
      rule: 'RFC 7591 §3.2.2',
      expected: 'a software_statement of an issuer that this provider trusts',
      came: iss,
      problem: `software statements of ${shown(iss)} are not accepted by this provider`,
    })
  const [issuer, jwks_uri] = keys
  const publisher = { client_id: issuer, jwks_uri }
  const { signingAlgs } = context.config
  const { payload } = await heardVerification(context, { jwt, whose: 'issuer' }, () =>
    jwtVerify(jwt, clientVerificationKey(publisher, context), {
      issuer,
      algorithms: signingAlgs.includes('EdDSA') ? [...signingAlgs, 'Ed25519'] : [...signingAlgs],
      currentDate: new Date(context.clock.now()),
      clockTolerance: 10,
    }),
  ).catch((error: Error) => {
    if (!(error instanceof RefusedError))
      throw invalid(
        `software_statement is a JWT that ${issuer} signed, unexpired`,
        undefined,
        `software_statement: ${error.message}`,
      )
    throw new HttpError('temporarily_unavailable', {
      expected: 'the keys of the publisher',
      problem: 'the keys of the publisher cannot be fetched at the moment',
      detail: `${issuer} ${error.publicDescription}`,
      retryAfter: 30,
    })
  })
  if (payload.aud !== undefined && ![payload.aud].flat().includes(context.config.issuer))
    throw invalid(
      `software_statement: aud is ${context.config.issuer}, or absent`,
      payload.aud,
      'software_statement: aud does not name this provider',
    )
  return payload
}

function attempt<T>(read: () => T): T {
  try {
    return read()
  } catch {
    throw invalid('software_statement is a JWT', undefined, 'software_statement is not a JWT')
  }
}

export const softwareStatement = defineFeature({
  name: 'software_statement',
  when: (config) => {
    const { softwareStatementIssuers, requireSoftwareStatement } = settings(config)
    return softwareStatementIssuers.length > 0 || requireSoftwareStatement
  },
  problems: (config) =>
    settings(config).softwareStatementIssuers.length > 0
      ? []
      : ['REQUIRE_SOFTWARE_STATEMENT: expected SOFTWARE_STATEMENT_ISSUERS to name a trusted publisher'],
  env,
  registrationRules: [statement],
  clientMetadata: declareMetadata({
    software_statement: optionalText('A JWT with metadata, signed by a trusted issuer'),
  }),
})
