/** Signing keys of AWS KMS. https://docs.aws.amazon.com/kms/latest/APIReference/API_Sign.html */
import { createHash, createPublicKey } from 'node:crypto'
import { jwsOfDer } from '../../auth/ecdsa_der.ts'
import type { SigningAlg } from '../../auth/jwk.ts'
import type { KeySource } from '../../models/key_source.ts'
import { awsProblem, openAws } from '../secret_sources/aws_call.ts'
import { member, quoted, SourceError, type SourceSettings, textMember } from '../secret_sources/source.ts'

/** By the names of KMS. EdDSA is not among them: KMS signs 4,096 bytes of a message at most, and a token may be longer. */
const kmsAlgs: Readonly<Partial<Record<SigningAlg, string>>> = {
  RS256: 'RSASSA_PKCS1_V1_5_SHA_256',
  PS256: 'RSASSA_PSS_SHA_256',
  ES256: 'ECDSA_SHA_256',
}

/** The ARN of a key, which an alias only points to. */
const keyArn = /^arn:aws[\w-]{0,20}:kms:[a-z0-9-]{1,30}:\d{12}:key\/[\w-]{1,64}$/
const longestAnswer = 4_096

function bytesOf(value: unknown, what: string): Buffer {
  if (typeof value === 'string' && value.length <= longestAnswer && /^[\w+/]+={0,2}$/.test(value))
    return Buffer.from(value, 'base64')
  throw new SourceError(`KMS answered no ${what}`)
}

/** `key` is an ARN, or an alias, which another key may get: that key is then the newest one. */
export function kmsSource(
  { name, key }: { name: string; key: string },
  alg: SigningAlg,
  settings: SourceSettings,
): KeySource {
  const call = openAws(settings, {
    scheme: 'awskms',
    name: 'kms',
    target: 'TrentService',
    endpoint: 'AWS_ENDPOINT_URL_KMS',
  })
  const SigningAlgorithm = kmsAlgs[alg]
  if (SigningAlgorithm === undefined) throw new SourceError(`KMS does not sign tokens by ${alg}`)

  return {
    name,
    async newest() {
      const said = await call('GetPublicKey', key, { KeyId: key })
      if (said.status !== 200) throw new SourceError(`KMS does not show the key: ${awsProblem(said)}`)
      const version = textMember(said.json, 'KeyId') ?? ''
      if (!keyArn.test(version)) throw new SourceError('KMS answered no ARN of the key')
      const algs = member(said.json, 'SigningAlgorithms')
      const isForSigning = textMember(said.json, 'KeyUsage') === 'SIGN_VERIFY'
      if (!isForSigning || !Array.isArray(algs) || !algs.includes(SigningAlgorithm))
        throw new SourceError(
          `expected a key for ${SigningAlgorithm}, got one of ${quoted(member(said.json, 'KeySpec'))} for ${quoted(member(said.json, 'KeyUsage'))}`,
        )
      const der = bytesOf(member(said.json, 'PublicKey'), 'public key')
      try {
        return { version, key: createPublicKey({ key: der, format: 'der', type: 'spki' }) }
      } catch {
        throw new SourceError('KMS shows no public key that can be read')
      }
    },
    async sign(version, input, timeoutMs) {
      const digest = createHash('sha256').update(input).digest()
      const body = {
        KeyId: version,
        Message: digest.toString('base64'),
        MessageType: 'DIGEST',
        SigningAlgorithm,
      }
      const said = await call('Sign', version, body, Math.max(1, timeoutMs))
      if (said.status !== 200) throw new SourceError(`KMS did not sign: ${awsProblem(said)}`)
      if (textMember(said.json, 'KeyId') !== version)
        throw new SourceError(`KMS signed with ${quoted(member(said.json, 'KeyId'))}, not with ${version}`)
      const made = bytesOf(member(said.json, 'Signature'), 'signature')
      const signature = alg === 'ES256' ? jwsOfDer(made) : new Uint8Array(made)
      if (!signature) throw new SourceError('KMS answered an ECDSA signature that is not in DER')
      return signature
    },
  }
}
