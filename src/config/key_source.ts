/**
 * Where signing keys may stay: `vault-transit:MOUNT/KEY`, `awskms:ARN`, `awskms:alias/NAME`, or a `pkcs11:` URI.
 * A name has no secret in it: it is shown and kept in the record of keys. docs/deployment.md, "Keys at a service"
 */

import { parsePkcs11Uri, type Pkcs11Uri } from './pkcs11_uri.ts'

/** As SIGNING_ALGS has them. */
const signingAlgs = ['RS256', 'PS256', 'ES256', 'EdDSA'] as const
type SigningAlg = (typeof signingAlgs)[number]

export type KeyPlace =
  | { readonly kind: 'vault-transit'; readonly mount: string; readonly key: string }
  | { readonly kind: 'awskms'; readonly key: string }
  | { readonly kind: 'pkcs11'; readonly uri: Pkcs11Uri }

const longestName = 1_000

/** Each part becomes a segment of a path: none may lead to another path. */
const isSegment = (text: string): boolean => /^\w[\w.-]*$/.test(text)

function vaultPlace(text: string): KeyPlace | undefined {
  const parts = text.split('/')
  if (parts.length < 2 || !parts.every(isSegment)) return undefined
  return { kind: 'vault-transit', mount: parts.slice(0, -1).join('/'), key: parts.at(-1)! }
}

/** https://docs.aws.amazon.com/kms/latest/developerguide/concepts.html#key-id */
const kmsKey =
  /^(?:alias\/[\w/-]{1,250}|arn:aws[\w-]{0,20}:kms:[a-z0-9-]{1,30}:\d{12}:(?:key\/[\w-]{1,64}|alias\/[\w/-]{1,250}))$/

const places: Readonly<Record<string, (text: string) => KeyPlace | undefined>> = {
  'vault-transit': vaultPlace,
  awskms: (key) => (kmsKey.test(key) ? { kind: 'awskms', key } : undefined),
  pkcs11(text) {
    const uri = parsePkcs11Uri(text)
    return uri && { kind: 'pkcs11', uri }
  },
}

/** Undefined for a text that names no place. */
export function parseKeySource(name: string): KeyPlace | undefined {
  const colon = name.indexOf(':')
  const scheme = name.slice(0, Math.max(0, colon))
  if (name.length > longestName || !Object.hasOwn(places, scheme)) return undefined
  return places[scheme]?.(name.slice(colon + 1))
}

export type KeySources = Readonly<Partial<Record<SigningAlg, string>>>

/** Why a text is not `ALG=SOURCE` pairs; `came` is the part that is wrong. */
export interface KeySourceFault {
  problem: string
  came: string
}

export const keySourcesForm =
  'ALG=SOURCE pairs between spaces, such as ES256=vault-transit:transit/latchkey RS256=awskms:alias/latchkey'

const isPair = (alg: SigningAlg | undefined, name: string): alg is SigningAlg =>
  alg !== undefined && parseKeySource(name) !== undefined

/** Each algorithm takes a key of its own. */
export function readKeySources(text: string): KeySources | KeySourceFault {
  const sources: Partial<Record<SigningAlg, string>> = {}
  for (const came of text.split(/\s+/).filter(Boolean)) {
    const equals = came.indexOf('=')
    const alg = signingAlgs.find((each) => each === came.slice(0, Math.max(0, equals)))
    const name = came.slice(equals + 1)
    // RFC 7512 §2.4 has a PIN in the URI; the value is not shown.
    if (/pin-(?:value|source)=/.test(name))
      return {
        problem: 'expected no PIN in a pkcs11: URI, but in PKCS11_PIN or PKCS11_PIN_FILE',
        came: 'pin-…',
      }
    if (!isPair(alg, name)) return { problem: `expected ${keySourcesForm}`, came }
    if (sources[alg] !== undefined) return { problem: `expected one source for ${alg}`, came }
    if (Object.values(sources).includes(name))
      return { problem: 'expected a key of its own for each algorithm', came }
    // KMS signs a digest, or 4,096 bytes of a message; EdDSA takes no digest, and a token may be longer.
    if (alg === 'EdDSA' && parseKeySource(name)?.kind === 'awskms')
      return {
        problem: 'expected a source other than awskms for EdDSA, which KMS signs up to 4,096 bytes',
        came,
      }
    sources[alg] = name
  }
  return sources
}
