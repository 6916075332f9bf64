/** A service that keeps signing keys, in this process: real keys, and every way in which such a service fails. */
import { constants, createPublicKey, generateKeyPairSync, type KeyObject, sign } from 'node:crypto'
import type { SigningAlg } from '../../src/auth/jwk.ts'
import type { Clock } from '../../src/lib/clock.ts'
import type { Log } from '../../src/lib/log.ts'
import type { KeySource } from '../../src/models/key_source.ts'
import { createRemoteKeys, type RemoteKeys } from '../../src/models/remote_keys.ts'

export interface KeyService {
  readonly name: string
  /** Private keys; the version of the first is 1. */
  versions: KeyObject[]
  /** Adds a version. */
  rotate(): void
  /** The version of each signature that was asked for. */
  asked: string[]
  /** Every request fails with this. */
  down: string | undefined
  /** In place of the signature. */
  forged: ((input: string, real: Uint8Array) => Uint8Array) | undefined
  /** Signatures wait for this. */
  held: Promise<void> | undefined
  /** Whether new versions may be made by the provider. */
  makes: boolean
  open(): KeySource
}

const generate: Readonly<Record<SigningAlg, () => KeyObject>> = {
  RS256: () => generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey,
  PS256: () => generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey,
  ES256: () => generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey,
  EdDSA: () => generateKeyPairSync('ed25519').privateKey,
}

/** As JWS has it. */
export function signatureOf(alg: SigningAlg, key: KeyObject, input: string): Uint8Array {
  const bytes = Buffer.from(input)
  if (alg === 'EdDSA') return sign(null, bytes, key)
  if (alg === 'ES256') return sign('sha256', bytes, { key, dsaEncoding: 'ieee-p1363' })
  const padding = alg === 'PS256' ? constants.RSA_PKCS1_PSS_PADDING : constants.RSA_PKCS1_PADDING
  return sign('sha256', bytes, { key, padding, ...(alg === 'PS256' && { saltLength: 32 }) })
}

export const newKeyFor = (alg: SigningAlg): KeyObject => generate[alg]()

export function keyService(alg: SigningAlg = 'ES256', name = 'vault-transit:transit/latchkey'): KeyService {
  const service: KeyService = {
    name,
    versions: [newKeyFor(alg)],
    rotate: () => void service.versions.push(newKeyFor(alg)),
    asked: [],
    down: undefined,
    forged: undefined,
    held: undefined,
    makes: true,
    open() {
      const half = () => {
        if (service.down !== undefined) throw new Error(service.down)
        const { length } = service.versions
        return { version: `${length}`, key: createPublicKey(service.versions[length - 1]!) }
      }
      return {
        name,
        newest: async () => half(),
        ...(service.makes && {
          make: async () => {
            half()
            service.rotate()
            return half()
          },
        }),
        async sign(version, input) {
          service.asked.push(version)
          await service.held
          half()
          const real = signatureOf(alg, service.versions[Number(version) - 1]!, input)
          return service.forged?.(input, real) ?? real
        },
      }
    },
  }
  return service
}

/** `services` by algorithm; those of `known` are for keys in the record alone. */
export const servicesOf =
  (
    services: Partial<Record<SigningAlg, KeyService>>,
    known: readonly KeyService[] = [],
    timeoutMs = 60_000,
  ) =>
  ({ clock, log }: { clock: Clock; log: Log }): RemoteKeys =>
    createRemoteKeys({
      sources: Object.fromEntries(Object.entries(services).map(([alg, { name }]) => [alg, name])),
      open: (name) => [...Object.values(services), ...known].find((each) => each.name === name)!.open(),
      timeoutMs,
      clock,
      log,
    })
