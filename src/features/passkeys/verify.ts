/** What a browser answers, checked: registrations and assertions. https://www.w3.org/TR/webauthn-3/#sctn-rp-operations */
import * as v from 'valibot'
import type { Context } from '../../contracts/context.ts'
import { base64url, fromBase64url, fromUtf8 } from '../../lib/bytes.ts'
import { algorithms, type Place, relyingParty, takeChallenge } from './ceremony.ts'

/** The person hears one sentence whatever was wrong; `reason` is for the log. */
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

/** CollectedClientData §5.8.1, as far as we look at it ourselves. */
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

/** The challenge in there, taken: good at `place` and never again. */
async function spendChallenge(context: Context, place: Place, clientDataJSON: string): Promise<string> {
  const bytes = fromBase64url(clientDataJSON)
  if (!bytes) throw new PasskeyRefused('clientDataJSON is not base64url')
  const { challenge, crossOrigin } = fromJson('clientDataJSON', ClientData, decoded(bytes))
  if (!(await takeChallenge(context, place, challenge)))
    throw new PasskeyRefused('the challenge is spent, old, or of another place')
  // No page of ours is shown in a frame, so no ceremony of ours happens in one (§13.4.9).
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

/** Loaded when the first passkey is used: it takes as long as the whole start otherwise. Its certificates need the first. */
async function library() {
  await import('reflect-metadata')
  const [server, helpers] = await Promise.all([
    import('@simplewebauthn/server'),
    import('@simplewebauthn/server/helpers'),
  ])
  return { ...server, ...helpers }
}

/** The library throws plain errors about what came. */
async function refusing<T>(check: () => T | Promise<T>): Promise<T> {
  try {
    return await check()
  } catch (error) {
    throw new PasskeyRefused(error instanceof Error ? error.message : 'unreadable')
  }
}

/** A new credential as it is to be kept. Throws PasskeyRefused; the challenge is spent in any case. */
export async function verifyRegistration(context: Context, place: Place, json: string) {
  const response = fromJson('credential', Registration, json)
  const expectedChallenge = await spendChallenge(context, place, response.response.clientDataJSON)
  const { id, origin } = relyingParty(context)
  const { decodeAttestationObject, verifyRegistrationResponse } = await library()
  return refusing(async () => {
    const attestation = decodeAttestationObject(fromBase64url(response.response.attestationObject)!)
    // We ask for none. A certificate chain would have its revocation lists fetched from wherever it says.
    if (attestation.get('fmt') !== 'none' && attestation.get('attStmt').get('x5c') !== undefined)
      throw new PasskeyRefused('an attestation nobody asked for')
    if (!['none', 'packed'].includes(attestation.get('fmt')))
      throw new PasskeyRefused(`attestation ${attestation.get('fmt')}`)
    const { verified, registrationInfo } = await verifyRegistrationResponse({
      response: { ...response, clientExtensionResults: {} },
      expectedChallenge,
      expectedOrigin: origin,
      expectedRPID: id,
      requireUserVerification: true,
      supportedAlgorithmIDs: algorithms,
    })
    if (!verified || registrationInfo.credential.id !== response.id)
      throw new PasskeyRefused('the attestation does not hold')
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

/** The shape alone: whose it claims to be is looked up before anything is checked. */
export const readAssertion = (json: string): Assertion => fromJson('credential', Assertion, json)

/** What the authenticator says now, under its signature and with its user verified. Throws PasskeyRefused. */
export async function verifyAssertion(
  context: Context,
  response: Assertion,
  expectedChallenge: string,
  publicKey: string,
) {
  const { id, origin } = relyingParty(context)
  const { verifyAuthenticationResponse } = await library()
  return refusing(async () => {
    const { verified, authenticationInfo } = await verifyAuthenticationResponse({
      response: {
        ...response,
        response: { ...response.response, userHandle: response.response.userHandle ?? undefined },
        clientExtensionResults: {},
      } as Parameters<typeof verifyAuthenticationResponse>[0]['response'],
      expectedChallenge,
      expectedOrigin: origin,
      expectedRPID: id,
      // The counter is compared afterwards: the library does it before the signature, on the word of anybody.
      credential: { id: response.id, publicKey: fromBase64url(publicKey)!, counter: 0 },
      requireUserVerification: true,
    })
    if (!verified || !authenticationInfo.userVerified) throw new PasskeyRefused('the signature does not hold')
    return {
      counter: authenticationInfo.newCounter,
      backup_eligible: authenticationInfo.credentialDeviceType === 'multiDevice',
      backed_up: authenticationInfo.credentialBackedUp,
    }
  })
}

export const spendChallengeOf = (context: Context, place: Place, { response }: Assertion): Promise<string> =>
  spendChallenge(context, place, response.clientDataJSON)
