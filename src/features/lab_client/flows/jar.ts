/** A signed authorization request (JAR), answered by a signed response (JARM). */
import { compactVerify, createLocalJWKSet, decodeJwt } from 'jose'
import { seconds } from '../../../lib/clock.ts'
import { type Answer, equal, type Finding, type RunFlow, kept, type Making, type RunStep } from '../flow.ts'
import { signedPart } from '../signed.ts'
import { authorizeStep, codeRequest, pathOf, responseFindings, tokenStep, userinfoStep } from '../steps.ts'
import { newRequest } from './code.ts'

const requestObject = (making: Making, more: Readonly<Record<string, string>>) => {
  const { context, client } = making
  const now = seconds(context.clock)
  return signedPart({
    place: 'param',
    name: 'request',
    key: client.key!,
    header: { alg: 'ES256', kid: client.key!.kid, typ: 'oauth-authz-req+jwt' },
    claims: {
      iss: client.client.client_id,
      aud: context.config.issuer,
      iat: now,
      nbf: now,
      exp: now + 300,
      jti: context.random(12),
      ...Object.fromEntries(codeRequest(making)),
      ...more,
    },
  })
}

async function signatureFinding({ jwks, context }: Making, jwt: string): Promise<Finding> {
  const about = 'The response is signed by a key of the provider.'
  const rule = 'JARM §2.4'
  try {
    await compactVerify(jwt, createLocalJWKSet(await jwks()), { algorithms: [...context.config.signingAlgs] })
    return { held: true, about, rule }
  } catch (error) {
    return { held: false, about, rule, expected: 'a valid signature', came: (error as Error).message }
  }
}

function claimsOf(jwt: string): Readonly<Record<string, unknown>> | undefined {
  try {
    return decodeJwt(jwt)
  } catch {
    return undefined
  }
}

/** The parameters are in the claims of `response`; a client reads none that stands beside it. */
async function readResponse(making: Making, answer: Answer) {
  const { response } = kept(answer.members, ['response'])
  const claims = response === undefined ? undefined : claimsOf(response)
  if (response === undefined || !claims) {
    const about = 'The answer is a JWT in the parameter response.'
    return { findings: [equal(about, 'JARM §2.3', { expected: 'a JWT', came: response })] }
  }
  const now = seconds(making.context.clock)
  return {
    values: kept(claims, ['code']),
    findings: [
      await signatureFinding(making, response),
      equal('aud is this client.', 'JARM §2.4', {
        expected: making.client.client.client_id,
        came: claims.aud,
      }),
      {
        held: typeof claims.exp === 'number' && claims.exp > now,
        about: 'exp is in the future.',
        rule: 'JARM §2.4' as const,
        expected: `later than ${now}`,
        came: String(claims.exp),
      },
      ...responseFindings(making, { ...answer, members: claims }),
    ],
  }
}

const authorize: RunStep = {
  ...authorizeStep,
  about:
    'All parameters are claims of a JWT that the client signs. The answer comes as a JWT that the provider signs, so that neither can be changed in the browser.',
  rule: 'RFC 9101 §4',
  tries: [
    'Sign with another key, or without a signature.',
    'Change aud of the request object.',
    'Add scope=openid phone under “More parameters”: what is beside the request object counts for nothing.',
    'Change one character of response at the redirect URI.',
  ],
  draft: (making) => ({
    method: 'GET',
    path: pathOf(making.context, 'authorization'),
    headers: [],
    params: [['client_id', making.client.client.client_id]],
    signed: [requestObject(making, { response_mode: 'jwt' })],
  }),
  read: readResponse,
}

export const jar: RunFlow = {
  name: 'jar',
  title: 'Signed request and signed response (JAR, JARM)',
  about: 'The request is a JWT of the client, and the answer is a JWT of the provider.',
  rule: 'RFC 9101 §1',
  client: 'keys',
  begin: newRequest,
  steps: [authorize, tokenStep, userinfoStep],
}
