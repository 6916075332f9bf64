/** Signing keys that stay at a service: Vault Transit, AWS KMS, a PKCS#11 token. The record has their public halves. docs/decisions/0088-keys-at-a-service.md */
import { createPublicKey } from 'node:crypto'
import { isSigningAlg, type KeyAlg, publicJwk, requireFit, type SigningAlg, thumbprint } from '../auth/jwk.ts'
import { remoteSigningKey, type SigningKey, verificationKey } from '../auth/jws.ts'
import type { Clock } from '../lib/clock.ts'
import type { Log } from '../lib/log.ts'
import type { KeySource, PublicHalf } from './key_source.ts'
import {
  createRemoteSigner,
  type RemoteSigner,
  type ServiceState,
  SignerUnavailable,
} from './remote_signer.ts'
import { KeyRingError, type RemoteKey } from './signing_keys.ts'

export interface RemoteKeys {
  /** The name of the source of new keys of `alg`; undefined for an algorithm whose keys are made here. */
  sourceOf(alg: KeyAlg): string | undefined
  /** Whether new keys of `alg` are made without the operator. */
  makes(alg: KeyAlg): boolean
  /** The newest key of the source of `alg`. Rejects with SignerUnavailable, or TypeError for a key that does not fit. */
  newest(alg: KeyAlg): Promise<RemoteKey>
  /** Makes a key at the source of `alg`. Rejects as `newest`, or with KeyRingError where the operator makes each. */
  make(alg: KeyAlg): Promise<RemoteKey>
  /** Signs once with a key that is not yet published: its service may show it and not let it sign. Rejects as `newest`. */
  tryOut(alg: KeyAlg, key: RemoteKey): Promise<void>
  /** As `tryOut`, for a key that signs, if its service has made no signature yet or the last one failed. */
  retry(alg: KeyAlg, key: RemoteKey): Promise<void>
  signing(kid: string, alg: SigningAlg, key: RemoteKey): SigningKey
  /** Why `alg` cannot sign by this source right now. */
  outage(source: string, alg: KeyAlg): SignerUnavailable | undefined
  /** What a look at the source of `alg` has found wrong. A `newest` that succeeds clears it. */
  noteProblem(alg: KeyAlg, problem: string): void
  /** The services that were asked so far, or are named by the configuration. */
  states(): (ServiceState & { alg: KeyAlg })[]
  /** Ends what the services hold open, such as processes. They end with this process, too. */
  close(): void
}

export interface RemoteOptions {
  /** By algorithm. */
  sources: Readonly<Partial<Record<KeyAlg, string>>>
  /** Opens a source by its name: one of `sources`, or of a key in the record. Throws KeyRingError. */
  open(name: string, alg: SigningAlg): KeySource
  timeoutMs: number
  clock: Clock
  log: Log
}

/** No signing input of a JWS, because it has no dot. */
const trial = 'latchkey tries this key'

export function createRemoteKeys({ sources, open, timeoutMs, clock, log }: RemoteOptions): RemoteKeys {
  interface Service {
    alg: SigningAlg
    source: KeySource
    signer: RemoteSigner
  }
  const services = new Map<string, Service>()

  function service(name: string, alg: KeyAlg): Service {
    const known = services.get(`${alg} ${name}`)
    if (known) return known
    if (!isSigningAlg(alg)) throw new KeyRingError(`${alg}: only signing keys may stay at a service`)
    const source = open(name, alg)
    const recovered = () => log.info('signer_available', { alg, source: name })
    const made = { alg, source, signer: createRemoteSigner(source, { timeoutMs, clock, recovered }) }
    services.set(`${alg} ${name}`, made)
    return made
  }

  function wanted(alg: KeyAlg): Service {
    const name = sources[alg]
    if (name === undefined) throw new KeyRingError(`${alg}: SIGNING_KEY_SOURCES names no service`)
    return service(name, alg)
  }

  async function described(
    alg: KeyAlg,
    read: (source: KeySource) => Promise<PublicHalf>,
  ): Promise<RemoteKey> {
    const { source, signer } = wanted(alg)
    try {
      const { version, key } = await read(source)
      requireFit(key, alg)
      const { kid: _kid, use: _use, alg: _alg, ...members } = publicJwk(key.export({ format: 'jwk' }), alg)
      const public_jwk = Object.fromEntries(
        Object.entries(members).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
      )
      signer.noteLook(undefined)
      return { source: source.name, version, public_jwk }
    } catch (error) {
      if (error instanceof KeyRingError) throw error
      const problem = error instanceof Error ? error.message : String(error)
      throw new SignerUnavailable(`${source.name}: ${problem}`)
    }
  }

  function signing(kid: string, alg: SigningAlg, { source, version, public_jwk }: RemoteKey): SigningKey {
    const { signer } = service(source, alg)
    const key = verificationKey(kid, alg, createPublicKey({ key: public_jwk, format: 'jwk' }))
    return remoteSigningKey(kid, alg, (input) => signer.sign(version, key, input))
  }

  async function tryOut(alg: KeyAlg, key: RemoteKey): Promise<void> {
    if (isSigningAlg(alg)) await signing(thumbprint(key.public_jwk), alg, key).sign(trial)
  }

  return {
    sourceOf: (alg) => sources[alg],
    makes: (alg) => sources[alg] === undefined || wanted(alg).source.make !== undefined,
    newest: (alg) => described(alg, (source) => source.newest()),
    make: (alg) =>
      described(alg, async (source) => {
        if (source.make) return source.make()
        throw new KeyRingError(
          `${source.name}: the newest key there is in the ring already. Make a new key there, and run this again`,
        )
      }),
    tryOut,
    async retry(alg, key) {
      if (service(key.source, alg).signer.isUntried()) await tryOut(alg, key)
    },
    signing,
    noteProblem: (alg, problem) => wanted(alg).signer.noteLook(problem),
    outage: (source, alg) => services.get(`${alg} ${source}`)?.signer.outage(),
    states() {
      for (const alg of Object.keys(sources) as KeyAlg[]) wanted(alg)
      return [...services.values()].map(({ alg, signer }) => ({ alg, ...signer.state() }))
    },
    close: () => services.forEach(({ source }) => source.close?.()),
  }
}
