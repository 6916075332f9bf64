/** Opens the services that keep signing keys, each at its first use: SIGNING_KEY_SOURCES, and those of keys in the record. */
import type { SigningAlg } from '../../auth/jwk.ts'
import type { Config } from '../../config.ts'
import type { Env } from '../../config/read.ts'
import { type KeyPlace, parseKeySource } from '../../config/key_source.ts'
import type { Pkcs11Uri } from '../../config/pkcs11_uri.ts'
import type { Clock } from '../../lib/clock.ts'
import { lazy } from '../../lib/lazy.ts'
import type { Log } from '../../lib/log.ts'
import type { KeySource } from '../../models/key_source.ts'
import { createRemoteKeys, type RemoteKeys } from '../../models/remote_keys.ts'
import { KeyRingError } from '../../models/signing_keys.ts'
import type { Pkcs11Process } from './pkcs11_process.ts'
import type { SourceSettings } from '../secret_sources/source.ts'

interface Kind<P extends KeyPlace> {
  /** Whether new keys are made by this provider; otherwise the operator makes them. */
  makes: boolean
  load(place: P, named: { name: string; alg: SigningAlg }, settings: Settings): Promise<KeySource>
}

interface Settings extends SourceSettings {
  pkcs11Pin: string | undefined
  /** The process of each token, by library and token: one sign-in for all its keys. */
  tokens: Map<string, Pkcs11Process>
}

/** The modules of a kind are loaded when one of its keys is used. */
const kinds: { readonly [K in KeyPlace['kind']]: Kind<Extract<KeyPlace, { kind: K }>> } = {
  'vault-transit': {
    makes: true,
    load: async ({ mount, key }, { name, alg }, settings) =>
      (await import('./vault_transit.ts')).transitSource({ name, mount, key }, alg, settings),
  },
  awskms: {
    makes: false,
    load: async ({ key }, { name, alg }, settings) =>
      (await import('./aws_kms.ts')).kmsSource({ name, key }, alg, settings),
  },
  pkcs11: {
    makes: false,
    async load(place, { name, alg }, settings) {
      const { pkcs11Source } = await import('./pkcs11.ts')
      const named = { name, uri: place.uri, timeoutMs: settings.secretsTimeoutMs }
      return pkcs11Source(named, alg, await tokenOf(place, settings))
    },
  },
}

async function tokenOf({ uri }: { uri: Pkcs11Uri }, { tokens, pkcs11Pin: pin, env }: Settings) {
  const { openPkcs11 } = await import('./pkcs11_process.ts')
  const { module, slot, token } = uri
  const place = { module, token, ...(slot !== undefined && { slot }) }
  const known =
    tokens.get(JSON.stringify(place)) ?? openPkcs11({ ...place, ...(pin !== undefined && { pin }) }, env)
  tokens.set(JSON.stringify(place), known)
  return known
}

function openSource(name: string, alg: SigningAlg, settings: Settings): KeySource {
  const place = parseKeySource(name)
  if (!place) throw new KeyRingError(`${name}: this version knows no such place of keys`)
  const { makes, load } = kinds[place.kind] as Kind<KeyPlace>
  const source = lazy(() => load(place, { name, alg }, settings))
  return {
    name,
    newest: async () => (await source()).newest(),
    ...(makes && { make: async () => (await source()).make!() }),
    sign: async (version, input, timeoutMs) => (await source()).sign(version, input, timeoutMs),
    close: () => settings.tokens.forEach((token) => token.close()),
  }
}

interface Opening {
  config: Config
  clock: Clock
  log: Log
}

/** `env` has the credentials that AWS names. */
export function openRemoteKeys({ config, clock, log }: Opening, env: Env): RemoteKeys {
  const settings: Settings = { ...config, env, tokens: new Map() }
  return createRemoteKeys({
    sources: config.signingKeySources,
    open: (name, alg) => openSource(name, alg, settings),
    timeoutMs: config.outboundTimeoutMs,
    clock,
    log,
  })
}
