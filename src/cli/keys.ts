/** `latchkey keys …` and `jwks`: the signing and decryption keys. https://openid.net/specs/openid-connect-core-1_0.html#RotateSigKeys */
import { isSigningAlg, type KeyAlg, keyAlgs } from '../auth/jwk.ts'
import type { Config } from '../config.ts'
import { seconds } from '../lib/clock.ts'
import type { KeyRing } from '../models/key_ring.ts'
import type { KeyStatus } from '../models/open_keys.ts'
import { writePemFiles } from '../models/pem_files.ts'
import { storeLocation, withKeys } from './administration.ts'
import { defineCommand } from './command.ts'
import { UsageError } from './failure.ts'
import { algsInUse } from './open.ts'
import { moment, print, printJson, printTable } from './output.ts'

/** Opening the key ring generates missing keys, so this only prints the keys. */
export const generate = defineCommand({
  takes: [],
  options: {},
  run: () =>
    withKeys(async (keys, { config }) => {
      await keepPemFiles(config, keys)
      return {
        facts: keys.list(),
        show() {
          printKeys(keys.list())
          print(`\nkept in ${whereKeysAre(config)}`)
        },
      }
    }),
})

export const rotate = defineCommand({
  takes: [],
  options: {
    alg: {
      type: 'string',
      multiple: true,
      value: 'ALG',
      help: `One of ${keyAlgs.join(', ')}, if SIGNING_ALGS or ENCRYPTION_ALGS has it. Default: all of these`,
    },
  },
  run: ({ alg }) =>
    withKeys(async (keys, { config, clock }) => {
      const algs = alg?.map((name) => knownAlg(name, algsInUse(config)))
      const before = new Set(keys.list().map(({ kid }) => kid))
      const next = await keys.rotate(algs)
      await keepPemFiles(config, keys)
      return {
        facts: next,
        show() {
          for (const key of next)
            print(
              `${key.alg} ${key.kid} ${before.has(key.kid) ? 'was published by an earlier rotation' : 'is published'}, ${starts(key, seconds(clock))}`,
            )
        },
      }
    }),
})

function knownAlg(name: string, inUse: readonly KeyAlg[]): KeyAlg {
  const alg = inUse.find((each) => each === name)
  if (alg) return alg
  const switches = 'SIGNING_ALGS and ENCRYPTION_ALGS decide which keys there are'
  throw new UsageError(`--alg: expected one of ${inUse.join(', ')}, got ${JSON.stringify(name)}; ${switches}`)
}

const starts = ({ alg, activates_at }: KeyStatus, now: number): string =>
  !isSigningAlg(alg)
    ? 'is the encryption key from now on'
    : activates_at > now
      ? `starts signing at ${moment(activates_at)}, in ${activates_at - now} seconds`
      : 'signs from now on'

export const list = defineCommand({
  takes: [],
  options: {},
  run: () => withKeys(async (keys) => ({ facts: keys.list(), show: () => printKeys(keys.list()) })),
})

function printKeys(keys: readonly KeyStatus[]): void {
  const rows = keys.map(({ alg, state, kid, activates_at, retires_at }) => {
    return [alg, state, kid, moment(activates_at), moment(retires_at)]
  })
  printTable(['ALG', 'STATE', 'KID', 'ACTIVATES', 'RETIRES'], rows)
}

export const jwks = defineCommand({
  takes: [],
  options: {},
  run: () =>
    withKeys(async (keys) => {
      const jwks: unknown = JSON.parse(keys.jwks().body)
      return { facts: jwks, show: () => printJson(jwks) }
    }),
})

/** As `serve` does in development: private.pem and public.pem have the current signing key (docs/walkthrough.md). */
async function keepPemFiles(
  { environment, privateKeyPath, publicKeyPath }: Config,
  keys: KeyRing,
): Promise<void> {
  if (environment === 'development' && privateKeyPath !== undefined && publicKeyPath !== undefined)
    await writePemFiles(keys, { private: privateKeyPath, public: publicKeyPath })
}

function whereKeysAre(config: Config): string {
  const pem = config.environment === 'development' ? [config.privateKeyPath, config.publicKeyPath] : []
  const place = config.store.kind === 'memory' ? `the folder ${config.keysPath}` : storeLocation(config)
  return [`${place} (sealed with SECRET_KEY)`, ...pem.filter((path) => path !== undefined)].join(', ')
}
