/** `latchkey keys …` and `jwks`: the signing and decryption keys. https://openid.net/specs/openid-connect-core-1_0.html#RotateSigKeys */
import { auditChange, closeTrail, openTrail } from './audit_trail.ts'
import { isSigningAlg, type KeyAlg, keyAlgs } from '../auth/jwk.ts'
import type { Config } from '../config.ts'
import { keyRefreshSeconds } from '../config/checks.ts'
import { seconds } from '../lib/clock.ts'
import { createBirth } from '../models/birth.ts'
import type { KeyRing } from '../models/key_ring.ts'
import { forgetLostRoot } from '../models/lasting_root.ts'
import type { KeyStatus } from '../models/open_keys.ts'
import { writePemFiles } from '../models/pem_files.ts'
import { keyRingSecret } from '../app.ts'
import { replaceKeys } from '../models/replace_keys.ts'
import { rotateKeys } from '../people/rotate_keys.ts'
import { WrongSecretError } from '../models/signing_keys.ts'
import { directoryStorage } from '../store/directory.ts'
import { withKeys, withSettings } from './administration.ts'
import { storeLocation } from './store_location.ts'
import { clientsWithoutSecret } from './lost_secrets.ts'
import { defineCommand } from './command.ts'
import { readEnvironment } from './environment.ts'
import { UsageError } from './failure.ts'
import { openRemoteKeys } from './key_sources/open_sources.ts'
import { algsInUse, openKeys, type Opened } from './open.ts'
import { moment, print, printable, printJson, printTable, withTimes } from './output.ts'

/** Opening the key ring generates missing keys, so this only prints the keys. */
export const generate = defineCommand({
  takes: [],
  options: {},
  run: () =>
    withKeys(async (keys, { config }) => {
      await keepPemFiles(config, keys)
      return {
        facts: keys.list().map(withTimes),
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
    withKeys(async (keys, opened) => {
      const { config, clock } = opened
      const algs = alg?.map((name) => knownAlg(name, algsInUse(config)))
      const audit = await openTrail(opened, 'cli') // first: a trail that cannot be opened stops the rotation
      const next = await rotateKeys({ keys, log: opened.log, audit }, 'operator', algs)
      await closeTrail(audit)
      await keepPemFiles(config, keys)
      return {
        facts: next.map(({ isNew: _, ...key }) => withTimes(key)),
        show() {
          for (const { isNew, ...key } of next)
            print(
              `${key.alg} ${key.kid} ${isNew ? 'is published' : 'was published by an earlier rotation'}, ${starts(key, seconds(clock))}`,
            )
        },
      }
    }),
})

/** Also where the keys cannot be read, so the key ring is opened afterwards. */
export const replace = defineCommand({
  takes: [],
  options: { yes: { type: 'boolean', help: 'Confirm: all tokens that the old keys signed stop verifying' } },
  async run({ yes }) {
    if (!yes)
      throw new UsageError(
        'all tokens that the keys signed stop verifying, and nothing brings the keys back: add --yes to confirm. latchkey keys rotate replaces keys without an outage',
      )
    return withSettings(async (opened) => {
      const { config, clock, store } = opened
      const removed = await replaceKeys({
        storage: config.store.kind === 'memory' ? directoryStorage(config.keysPath) : store,
        sealingKey: keyRingSecret(config.secretKey),
        clock,
        algs: algsInUse(config),
        rsaBits: Number(config.rsaKeySize),
        remote: openRemoteKeys(opened, readEnvironment().env),
      })
      // Where the keys were lost, other records may have been.
      if (config.store.kind !== 'memory') {
        await createBirth(opened).renew()
        await forgetLostRoot(store, config.secretKey)
      }
      const keys = await openKeys(opened)
      await keepPemFiles(config, keys)
      const kids = keys.list().map(({ kid }) => kid)
      await auditChange(await openTrailOrSay(opened), opened, { change: 'keys_replaced', kids })
      const clients = await clientsWithoutSecret(opened)
      return {
        facts: { keys: keys.list().map(withTimes), removed, clients_without_secret: clients },
        show() {
          printKeys(keys.list())
          print(
            `\nA running server uses them within ${keyRefreshSeconds} seconds. Clients and APIs that keep the JWKS learn of them after JWKS_MAX_AGE, ${config.jwksMaxAge} seconds.`,
          )
          if (clients.length > 0)
            print(
              `\nSECRET_KEY does not open the secrets of these clients. latchkey client secret CLIENT_ID --overlap 0 makes a new one:\n${clients.map((each) => `  ${printable(each)}`).join('\n')}`,
            )
        },
      }
    })
  },
})

/** Where SECRET_KEY was lost, so were the keys of the trail, and the signing keys are replaced all the same. */
const openTrailOrSay = (opened: Opened) =>
  openTrail(opened, 'cli').catch((error: unknown) => {
    if (!(error instanceof WrongSecretError)) throw error
    opened.log.warn('audit_trail_lost', { problem: error.message })
    return undefined
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
  run: () =>
    withKeys(async (keys) => ({ facts: keys.list().map(withTimes), show: () => printKeys(keys.list()) })),
})

function printKeys(keys: readonly KeyStatus[]): void {
  const rows = keys.map(({ alg, state, kid, activates_at, retires_at, rotates_at, source, version }) => {
    const place = source === undefined ? 'here' : `${source} ${version}`
    return [alg, state, kid, moment(activates_at), moment(retires_at), moment(rotates_at), place]
  })
  printTable(['ALG', 'STATE', 'KID', 'ACTIVATES', 'RETIRES', 'NEXT ROTATION', 'PRIVATE KEY'], rows)
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
