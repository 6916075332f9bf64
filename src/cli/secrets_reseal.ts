/** `latchkey secrets reseal`: moves everything that a former value of SECRET_KEY has sealed over to the first one, while servers run. docs/operations.md */
import type { Context } from '../contracts/context.ts'
import type { SealedRecords } from '../contracts/protocol_sockets.ts'
import { seconds } from '../lib/clock.ts'
import { firstKey, deriveKeys } from '../lib/secret_keys.ts'
import { hmac } from '../lib/hash.ts'
import { resealed, unseal } from '../lib/seal.ts'
import { findAuditKeys } from '../models/audit/audit.ts'
import { note } from '../models/audit/note.ts'
import { resealLastingRoot } from '../models/lasting_root.ts'
import { Realm } from '../models/realm.ts'
import { recordName } from '../models/signing_keys.ts'
import { realmStore } from '../store/realm.ts'
import { isCount } from '../store/sealed_value.ts'
import { features } from '../table.ts'
import { type Scene, withContext } from './administration.ts'
import { defineCommand } from './command.ts'
import { Refusal } from './failure.ts'
import { openBackend, openWhole } from './open_store.ts'
import { moment, print, printTable } from './output.ts'
import { resealNames, valuesKeys } from './store_place.ts'

interface Count {
  /** Sealed by the first value now. */
  moved: number
  current: number
  unreadable: number
}

/** Records that are moved at a time: requests of the server come in between. */
const atOnce = 16

async function resealKind(
  { items, reseal }: SealedRecords,
  context: Context,
  write: boolean,
): Promise<Count> {
  const count: Count = { moved: 0, current: 0, unreadable: 0 }
  const left = (await items(context)).reverse()
  const worker = async () => {
    for (let item = left.pop(); item !== undefined; item = left.pop()) {
      const outcome = await reseal(context, item, write)
      if (outcome) count[outcome]++
    }
  }
  await Promise.all(Array.from({ length: atOnce }, worker))
  return count
}

/** With STORE_ENCRYPTION: every value, in the store below. A value that a server changes in between is sealed anew by that change. */
async function resealValues({ config, clock }: Context, write: boolean): Promise<Count> {
  const count: Count = { moved: 0, current: 0, unreadable: 0 }
  const keys = valuesKeys(config.secretKey)
  const plain = await openBackend(config, clock)
  try {
    for await (const page of plain.scan())
      for (const found of page) {
        if (found.kind !== 'value' || isCount(found.value)) continue
        const { key, value, ttl } = found
        const next = resealed(keys, value, key)
        if (next === undefined) count[unseal(keys, value, key) === undefined ? 'unreadable' : 'current']++
        else if (!write || (await plain.replace(key, value, next, ttl))) count.moved++
      }
  } finally {
    await plain.close()
  }
  return count
}

/** Also in a store that is not encrypted any more. */
async function namesAreMoved({ config, clock }: Context, write: boolean): Promise<boolean | undefined> {
  const whole = await openWhole(config, clock)
  try {
    return await resealNames(whole, config.secretKey, write)
  } finally {
    await whole.close()
  }
}

/** Also those of features that are off: they may be turned on again when the former value is gone. */
const everyKind = (ofTable: readonly SealedRecords[]): SealedRecords[] => {
  const all = [...ofTable, ...features.flatMap(({ operation }) => operation?.sealedRecords ?? [])]
  return [...new Map(all.map((kind) => [kind.name, kind])).values()]
}

type Counts = Record<string, Count>

/** Of the server and of all realms together. */
async function pass(context: Context, scene: Scene, write: boolean): Promise<Counts> {
  const { config } = context
  const counts = await passOne(context, write)
  for (const { name } of await Realm.keys(context)) {
    const realm = await Realm.find(context, name)
    // One that has no keys yet has sealed nothing.
    if (!realm || (await realmStore(context.store, realm.id).get(recordName)) === undefined) continue
    add(counts, await scene.inRealm(realm, (inside) => passOne(inside, write)))
  }
  // The encryption is beneath all realms.
  const names = await namesAreMoved(context, write)
  if (names !== undefined)
    counts['secret of names'] = { moved: names ? 1 : 0, current: names ? 0 : 1, unreadable: 0 }
  if (config.storeEncryption === 'true') counts['values of the store'] = await resealValues(context, write)
  return counts
}

function add(counts: Counts, more: Counts): void {
  for (const [name, { moved, current, unreadable }] of Object.entries(more)) {
    const count = (counts[name] ??= { moved: 0, current: 0, unreadable: 0 })
    count.moved += moved
    count.current += current
    count.unreadable += unreadable
  }
}

async function passOne(context: Context, write: boolean): Promise<Counts> {
  const { audit, config, keys, store, table } = context
  const moved = await keys.reseal(write)
  const root = await resealLastingRoot(store, config.secretKey, write)
  const counts: Counts = {
    'signing keys': { moved, current: keys.list().length - moved, unreadable: 0 },
    'root of names': { moved: root ? 1 : 0, current: root ? 0 : 1, unreadable: 0 },
  }
  // Also where the trail is off: it may be turned on again when the former value is gone.
  const ring = audit?.ring ?? (await findAuditKeys(context, config.secretKey))
  if (ring) {
    const changed = await ring.reseal(write)
    counts['checkpoint keys'] = { moved: changed, current: ring.list().length - changed, unreadable: 0 }
  }
  for (const kind of everyKind(table.operation.sealedRecords))
    counts[kind.name] = await resealKind(kind, context, write)
  return counts
}

const sum = (counts: Counts, what: keyof Count): number =>
  Object.values(counts).reduce((total, each) => total + each[what], 0)

const mark = 'reseal'

/** Since when the first value of SECRET_KEY seals, in seconds: since the first run with it. */
async function sealsSince({ store, config, clock }: Context, write: boolean): Promise<number> {
  const first = hmac(firstKey(deriveKeys(config.secretKey, 'mark of a reseal')), 'first')
  const text = await store.get(mark)
  const known = text === undefined ? undefined : (JSON.parse(text) as { first: string; since: number })
  if (known?.first === first) return known.since
  const since = seconds(clock)
  if (write) await store.put(mark, JSON.stringify({ first, since }))
  return since
}

export const reseal = defineCommand({
  takes: [],
  options: { 'dry-run': { type: 'boolean', help: 'Only count what would be moved' } },
  run: ({ 'dry-run': dryRun = false }) =>
    withContext('secrets', async (context, scene) => {
      const { config, clock } = context
      if (config.storeEncryption === 'migrate')
        throw new Refusal(
          'STORE_ENCRYPTION is migrate: end that change first, by latchkey secrets seal or unseal, and set it to true or false',
        )
      const since = await sealsSince(context, !dryRun)
      const counts = await pass(context, scene, !dryRun)
      // A server that still seals with a former value makes more of it during the run.
      const left = dryRun ? sum(counts, 'moved') : sum(await pass(context, scene, false), 'moved')
      const unreadable = sum(counts, 'unreadable')
      const dropFrom = since + config.refreshTokenTtl
      if (!dryRun && sum(counts, 'moved') > 0)
        await note(undefined, context, 'changed_by_operator', {
          change: 'secrets_resealed',
          records: sum(counts, 'moved'),
        })
      return {
        facts: { counts, left, unreadable, without_loss_from: moment(dropFrom), dry_run: dryRun },
        show() {
          const rows = Object.entries(counts).map(([name, each]) => [
            name,
            each.moved,
            each.current,
            each.unreadable,
          ])
          printTable(['SEALED', dryRun ? 'TO MOVE' : 'MOVED', 'BY THE FIRST VALUE', 'UNREADABLE'], rows)
          print(`\n${words({ left, unreadable, dryRun, former: config.secretKey.length - 1 })}`)
          if (left === 0 && config.secretKey.length > 1)
            print(
              dropFrom > seconds(clock)
                ? `The former values may go now if one has leaked. Refresh tokens that they signed end with them; from ${moment(dropFrom)} on none is left.`
                : 'The former values may go: remove them from SECRET_KEY and restart.',
            )
        },
        failure: !dryRun && left > 0 ? new Refusal(`${left} are left: ${leftWords}`) : undefined,
      }
    }),
})

const leftWords =
  'a server still seals with a former value. Give all of them this SECRET_KEY, and run the command again'

function words(found: { left: number; unreadable: number; dryRun: boolean; former: number }): string {
  const { left, unreadable, dryRun, former } = found
  const lost =
    unreadable > 0
      ? ` ${unreadable} are opened by no value of SECRET_KEY (docs/deployment.md, "Lost keys").`
      : ''
  if (former === 0) return `SECRET_KEY has one value.${lost}`
  if (dryRun) return `${left} would be moved.${lost}`
  return left > 0 ? `${left} are left.${lost}` : `Nothing is sealed by a former value.${lost}`
}
