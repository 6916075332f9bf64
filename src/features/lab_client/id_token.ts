/** What a client checks in an ID Token, one finding each. https://openid.net/specs/openid-connect-core-1_0.html#IDTokenValidation */
import { compactVerify, createLocalJWKSet, decodeJwt, decodeProtectedHeader, type JWTPayload } from 'jose'
import { leftHalfHash } from '../../auth/token.ts'
import { seconds } from '../../lib/clock.ts'
import { equal, type Finding, kept, type Making, type Values } from './flow.ts'

const rule = 'OpenID Connect Core §3.1.3.7'

/** Algorithms of which `leftHalfHash` knows the hash. */
const hashedBy = /^(?:[A-Z]{2}(?:256|384|512)|EdDSA)$/

/** Throws for a text that is no JWT. */
const decoded = (jwt: string) => ({ header: decodeProtectedHeader(jwt), claims: decodeJwt(jwt) })

async function signature({ context, jwks }: Making, jwt: string, alg: string): Promise<Finding> {
  const about = 'The signature is of a key in the JWK Set of the provider, with an algorithm of a public key.'
  try {
    await compactVerify(jwt, createLocalJWKSet(await jwks()), {
      algorithms: [...context.config.signingAlgs],
    })
    return { held: true, about, rule, came: alg }
  } catch (error) {
    return { held: false, about, rule, came: `${alg}: ${(error as Error).message}` }
  }
}

/** What the client sent or got, which the claims must agree with. */
export interface Expected {
  nonce?: string | undefined
  accessToken?: string | undefined
  code?: string | undefined
}

export async function idTokenFindings(
  making: Making,
  jwt: string | undefined,
  { nonce, accessToken, code }: Expected,
): Promise<Finding[]> {
  if (jwt === undefined) return []
  let token: ReturnType<typeof decoded>
  try {
    token = decoded(jwt)
  } catch {
    return [{ held: false, about: 'The ID Token is a JWT.', rule }]
  }
  const { header, claims } = token
  const { context, client } = making
  const clientId = client.client.client_id
  const now = seconds(context.clock)
  const alg = String(header.alg)
  const hashed = (about: string, section: Finding['rule'], claim: string, of: string | undefined) =>
    of === undefined || claims[claim] === undefined || !hashedBy.test(alg)
      ? []
      : [equal(about, section, { expected: leftHalfHash(of, alg), came: claims[claim] })]
  return [
    await signature(making, jwt, alg),
    equal('iss is the provider that the client asked.', rule, {
      expected: context.config.issuer,
      came: claims.iss,
    }),
    {
      held: [claims.aud].flat().includes(clientId),
      about: 'aud has the client_id of this client.',
      rule,
      expected: clientId,
      came: JSON.stringify(claims.aud),
    },
    {
      held: typeof claims.exp === 'number' && claims.exp > now,
      about: 'exp is in the future.',
      rule,
      expected: `later than ${now}`,
      came: String(claims.exp),
    },
    ...(nonce === undefined
      ? []
      : [
          equal('nonce is that of the authorization request.', rule, { expected: nonce, came: claims.nonce }),
        ]),
    ...hashed(
      'at_hash is the hash of the access token.',
      'OpenID Connect Core §3.1.3.8',
      'at_hash',
      accessToken,
    ),
    ...hashed('c_hash is the hash of the code.', 'OpenID Connect Core §3.3.2.10', 'c_hash', code),
  ]
}

const claimsIn = ({ id_token: jwt }: Values): JWTPayload => {
  try {
    return jwt === undefined ? {} : decodeJwt(jwt)
  } catch {
    return {}
  }
}

/** The `sub` of an ID Token that the client holds. */
export const subOf = (values: Values): string | undefined => claimsIn(values).sub

/** The session of an ID Token: sign-outs name it. */
export const sidOf = (values: Values): Values => kept(claimsIn(values), ['sid'])
