/** Verification of WebAuthn registrations and assertions. https://www.w3.org/TR/webauthn-3/#sctn-rp-operations */
import * as v from 'valibot'
import type { Context } from '../../contracts/context.ts'
import { base64url, fromBase64url, fromUtf8 } from '../../lib/bytes.ts'
import { algorithms, type ChallengeBinding, relyingParty, takeChallenge } from './ceremony.ts'

/** The End-User sees the same message for every reason; the `message` of this error is only logged. */
export class PasskeyRefused extends Error {
  override name = 'PasskeyRefused'
}

const text = v.pipe(v.string(), v.regex(/^[\w-]+$/))
const credentialId = v.pipe(text, v.maxLength(1400))

const Common = { id: credentialId, rawId: credentialId, type: v.literal('public-key') }
const Registration = v.object({
  ...Common,
  response: v.object({
    clientDataJSON: text,
    attestationObject: text,
    transports: v.optional(v.pipe(v.array(v.pipe(v.string(), v.maxLength(20))), v.maxLength(10)), []),
  }),
})
const Assertion = v.object({
  ...Common,
  response: v.object({
    clientDataJSON: text,
    authenticatorData: text,
    signature: text,
    userHandle: v.nullish(text),
  }),
})
export type Assertion = v.InferOutput<typeof Assertion>

/** CollectedClientData §5.8.1: the members that are checked here. The library checks the others. */
const ClientData = v.looseObject({ challenge: text, crossOrigin: v.optional(v.boolean(), false) })

function fromJson<const S extends v.GenericSchema>(what: string, schema: S, json: string): v.InferOutput<S> {
  let value: unknown
  try {
    value = JSON.parse(json)
  } catch {
    throw new PasskeyRefused(`${what} is not JSON`)
  }
  const parsed = v.safeParse(schema, value)
  if (parsed.success) return parsed.output
  const [issue] = parsed.issues
  throw new PasskeyRefused(`${what}: ${v.getDotPath(issue)} ${issue.message}`)
}

/** Takes the challenge of the client data, so that it cannot be used again. */
async function takeChallengeIn(
  context: Context,
  binding: ChallengeBinding,
  clientDataJSON: string,
): Promise<string> {
  const bytes = fromBase64url(clientDataJSON)
  if (!bytes) throw new PasskeyRefused('clientDataJSON is not base64url')
  const { challenge, crossOrigin } = fromJson('clientDataJSON', ClientData, decoded(bytes))
  if (!(await takeChallenge(context, binding, challenge)))
    throw new PasskeyRefused('the challenge was used, is expired, or has another binding')
  // Pages of this provider are never shown in a frame (§13.4.9).
  if (crossOrigin) throw new PasskeyRefused('the ceremony happened in a frame of another site')
  return challenge
}

function decoded(bytes: Uint8Array): string {
  try {
    return fromUtf8(bytes)
  } catch {
    throw new PasskeyRefused('clientDataJSON is not UTF-8')
  }
}

/** Loaded at the first use, because loading takes as long as the rest of the start. The library needs reflect-metadata first. */
async function library() {
  await import('reflect-metadata')
  const [server, helpers] = await Promise.all([
    import('@simplewebauthn/server'),
    import('@simplewebauthn/server/helpers'),
  ])
  return { ...server, ...helpers }
}

/** Converts errors that the library throws about invalid input. */
async function asPasskeyRefused<T>(check: () => T | Promise<T>): Promise<T> {
  try {
    return await check()
  } catch (error) {
    throw new PasskeyRefused(error instanceof Error ? error.message : 'unreadable')
  }
}

/** Returns the members of the new record. Throws PasskeyRefused. The challenge is used up in any case. */
export async function verifyRegistration(context: Context, binding: ChallengeBinding, json: string) {
  const response = fromJson('credential', Registration, json)
  const expectedChallenge = await takeChallengeIn(context, binding, response.response.clientDataJSON)
  const { id, origin } = relyingParty(context)
  const { decodeAttestationObject, verifyRegistrationResponse } = await library()
  return asPasskeyRefused(async () => {
    const attestation = decodeAttestationObject(fromBase64url(response.response.attestationObject)!)
    // No attestation is requested. For a certificate chain, the library would fetch revocation lists from URLs in the certificates.
    if (attestation.get('fmt') !== 'none' && attestation.get('attStmt').get('x5c') !== undefined)
      throw new PasskeyRefused('the attestation has a certificate chain, but none was requested')
    if (!['none', 'packed'].includes(attestation.get('fmt')))
      throw new PasskeyRefused(`attestation format ${attestation.get('fmt')} is not accepted`)
    const { verified, registrationInfo } = await verifyRegistrationResponse({
      response: { ...response, clientExtensionResults: {} },
      expectedChallenge,
      expectedOrigin: origin,
      expectedRPID: id,
      requireUserVerification: true,
      supportedAlgorithmIDs: algorithms,
    })
    if (!verified || registrationInfo.credential.id !== response.id)
      throw new PasskeyRefused('the attestation is not valid')
    const { credential, aaguid, credentialDeviceType, credentialBackedUp } = registrationInfo
    return {
      credential_id: credential.id,
      public_key: base64url(credential.publicKey),
      counter: credential.counter,
      backup_eligible: credentialDeviceType === 'multiDevice',
      backed_up: credentialBackedUp,
      transports: response.response.transports,
      aaguid,
    }
  })
}

/** Only checks the shape. The signature is checked after the account was found. */
export const readAssertion = (json: string): Assertion => fromJson('credential', Assertion, json)

/** Returns the signed counter and backup flags. Requires user verification. Throws PasskeyRefused. */
export async function verifyAssertion(
  context: Context,
  response: Assertion,
  expectedChallenge: string,
  publicKey: string,
) {
  const { id, origin } = relyingParty(context)
  const { verifyAuthenticationResponse } = await library()
  return asPasskeyRefused(async () => {
    const { verified, authenticationInfo } = await verifyAuthenticationResponse({
      response: {
        ...response,
        response: { ...response.response, userHandle: response.response.userHandle ?? undefined },
        clientExtensionResults: {},
      } as Parameters<typeof verifyAuthenticationResponse>[0]['response'],
      expectedChallenge,
      expectedOrigin: origin,
      expectedRPID: id,
      // Counter 0 skips the library's comparison, which precedes the signature check. `recordUse` compares it afterwards.
      credential: { id: response.id, publicKey: fromBase64url(publicKey)!, counter: 0 },
      requireUserVerification: true,
    })
    if (!verified || !authenticationInfo.userVerified)
      throw new PasskeyRefused('the signature is not valid, or the user was not verified')
    return {
      counter: authenticationInfo.newCounter,
      backup_eligible: authenticationInfo.credentialDeviceType === 'multiDevice',
      backed_up: authenticationInfo.credentialBackedUp,
    }
  })
}

export const takeChallengeOf = (
  context: Context,
  binding: ChallengeBinding,
  { response }: Assertion,
): Promise<string> => takeChallengeIn(context, binding, response.clientDataJSON)
