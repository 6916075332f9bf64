/** A server that answers as the API documentation of AWS KMS says, and checks the signature of each request. https://docs.aws.amazon.com/kms/latest/APIReference/ */
import { createHash, createHmac, createPublicKey, type KeyObject } from 'node:crypto'
import type { SigningAlg } from '../../src/auth/jwk.ts'
import { newKeyFor } from './key_service.ts'
import { signDigest } from './openssl.ts'

/** https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html */
export function isSigned(request: Request, body: string, secretKey: string): boolean {
  const { headers } = request
  const [, scope = '', names = '', signature] =
    /Credential=[^/]+\/(\S+), SignedHeaders=(\S+), Signature=(\w+)/.exec(
      headers.get('authorization') ?? '',
    ) ?? []
  const [date = '', region = '', service = ''] = scope.split('/')
  const sha = (text: string) => createHash('sha256').update(text).digest('hex')
  const canonical = [
    'POST',
    new URL(request.url).pathname,
    '',
    ...names.split(';').map((name) => `${name}:${headers.get(name)}`),
    '',
    names,
    sha(body),
  ].join('\n')
  const toSign = ['AWS4-HMAC-SHA256', headers.get('x-amz-date'), scope, sha(canonical)].join('\n')
  const derived = [date, region, service, 'aws4_request'].reduce<string | Buffer>(
    (last, part) => createHmac('sha256', last).update(part).digest(),
    `AWS4${secretKey}`,
  )
  return createHmac('sha256', derived).update(toSign).digest('hex') === signature
}

export interface Kms {
  address: string
  /** Credentials, region and address of this server. */
  env: Record<string, string>
  /** Private keys by ARN. */
  keys: Record<string, { alg: SigningAlg; key: KeyObject }>
  /** The ARN that each alias points to. */
  aliases: Record<string, string>
  /** A key under a new ARN. */
  add(alg: SigningAlg): string
  /** Action and body of each request. */
  asked: { action: string; body: Record<string, unknown> }[]
  /** Answers in place of the real one. */
  instead:
    ((action: string, body: Record<string, unknown>) => Response | Promise<Response> | undefined) | undefined
  stop(): void
}

const names: Readonly<Partial<Record<SigningAlg, { spec: string; algs: string[] }>>> = {
  ES256: { spec: 'ECC_NIST_P256', algs: ['ECDSA_SHA_256'] },
  RS256: { spec: 'RSA_2048', algs: ['RSASSA_PKCS1_V1_5_SHA_256', 'RSASSA_PSS_SHA_256'] },
  PS256: { spec: 'RSA_2048', algs: ['RSASSA_PKCS1_V1_5_SHA_256', 'RSASSA_PSS_SHA_256'] },
}

export const kmsProblem = (type: string, message: string, status = 400): Response =>
  Response.json(
    { __type: type, message },
    { status, headers: { 'content-type': 'application/x-amz-json-1.1' } },
  )

export function startKms(): Kms {
  const secretKey = 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY'

  async function signature({ key }: { key: KeyObject }, body: Record<string, unknown>): Promise<Uint8Array> {
    const digest = Buffer.from(String(body.Message), 'base64')
    if (body.MessageType !== 'DIGEST' || digest.length !== 32) throw new Error('expected a digest')
    if (body.SigningAlgorithm === 'ECDSA_SHA_256') return signDigest(key, digest)
    return signDigest(key, digest, {
      padding: body.SigningAlgorithm === 'RSASSA_PSS_SHA_256' ? 'pss' : 'pkcs1',
    })
  }

  const server = Bun.serve({
    hostname: '127.0.0.1',
    port: 0,
    async fetch(request) {
      const text = await request.text()
      if (!isSigned(request, text, secretKey)) return kmsProblem('InvalidSignatureException', 'no')
      const action = (request.headers.get('x-amz-target') ?? '').replace('TrentService.', '')
      const body = JSON.parse(text) as Record<string, unknown>
      kms.asked.push({ action, body })
      const instead = await kms.instead?.(action, body)
      if (instead) return instead
      const id = String(body.KeyId)
      const KeyId = kms.aliases[id] ?? id
      const found = kms.keys[KeyId]
      if (!found) return kmsProblem('NotFoundException', `${id} is not found.`)
      const { spec, algs } = names[found.alg]!
      if (action === 'GetPublicKey') {
        const der = createPublicKey(found.key).export({ format: 'der', type: 'spki' })
        return Response.json({
          KeyId,
          PublicKey: der.toString('base64'),
          KeySpec: spec,
          KeyUsage: 'SIGN_VERIFY',
          SigningAlgorithms: algs,
        })
      }
      const made = await signature(found, body)
      return Response.json({
        KeyId,
        Signature: Buffer.from(made).toString('base64'),
        SigningAlgorithm: body.SigningAlgorithm,
      })
    },
  })
  const address = `http://127.0.0.1:${server.port}`
  const kms: Kms = {
    address,
    env: {
      AWS_REGION: 'eu-central-1',
      AWS_ENDPOINT_URL_KMS: `${address}/`,
      AWS_ACCESS_KEY_ID: 'AKIDEXAMPLE',
      AWS_SECRET_ACCESS_KEY: secretKey,
    },
    keys: {},
    aliases: {},
    add(alg) {
      const arn = `arn:aws:kms:eu-central-1:123456789012:key/${crypto.randomUUID()}`
      kms.keys[arn] = { alg, key: newKeyFor(alg) }
      return arn
    },
    asked: [],
    instead: undefined,
    stop: () => void server.stop(true),
  }
  return kms
}
