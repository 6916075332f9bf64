/** Fills a store that is empty, so that it is served whole or not at all. docs/decisions/0080-backups.md */
import { systemRandom } from '../../lib/random.ts'
import { createBirth } from '../../models/birth.ts'
import { FactorGeneration } from '../../models/factor_generation.ts'
import { useOf } from '../../models/presence.ts'
import { isOfMove, isOfPresence, unfinishedKey } from '../../store/moving/mark.ts'
import { realmStore } from '../../store/realm.ts'
import type { Found, Store } from '../../store/store.ts'
import { storeLocation } from '../store_location.ts'
import { Refusal } from '../failure.ts'
import { encrypted, type OpenedPlain } from '../open.ts'
import { hasEnded } from '../own_process.ts'
import { accountOf } from './kinds.ts'

/** What a look at the store itself leaves there. */
export const isOfLooks = (found: Found): boolean =>
  isOfMove(found) ||
  (found.kind === 'value'
    ? isOfPresence(found.key) || /^(ping|config_check)(:|$)/.test(found.key)
    : isOfPresence(found.index))

export async function isEmpty(store: Store): Promise<boolean> {
  for await (const page of store.scan()) if (!page.every(isOfLooks)) return false
  return true
}

/** Keys and a short trail, which a command that lists nothing, or the first start of a server, makes in an empty store. */
const isOfFirstUse = (found: Found): boolean =>
  found.kind === 'value'
    ? /^(key_ring|lasting_root|audit_key_ring|birth|(audit|audit_checkpoint|one_time):.*)$/.test(found.key)
    : found.index === 'audit_chains' || found.index === 'audit_checkpoints'

/** More than a few looks leave: the trail of such a store is worth keeping. */
const mostOfFirstUse = 100

/** Whether the store has no data: nothing, or what commands and a server leave that were pointed at it and did nothing. */
export async function isUnborn(store: Store): Promise<boolean> {
  let count = 0
  for await (const page of store.scan())
    for (const found of page) {
      if (isOfLooks(found)) continue
      if (!isOfFirstUse(found) || ++count > mostOfFirstUse) return false
    }
  return true
}

/** Refuses a store that a server uses. An instance that runs would go on with what it knows. */
export async function requireUnused(opened: OpenedPlain, gone: readonly string[] = []): Promise<void> {
  const store = await encrypted(opened.plain, opened.config)
  const use = await useOf({ ...opened, store }, { gone, hasEnded })
  if (use !== undefined) throw new Refusal(`${storeLocation(opened.config)} is in use: ${use}`)
}

/** Each page is removed before the next is read, so that a scan which begins again has less to read. */
export async function clear(store: Store): Promise<void> {
  while (!(await isEmpty(store)))
    for await (const page of store.scan())
      await Promise.all(
        page
          .filter((found) => !isOfLooks(found))
          .map((found) =>
            found.kind === 'value' ? store.take(found.key) : store.unlink(found.index, found.member),
          ),
      )
}

export const write = (store: Store, found: Found): Promise<void> =>
  found.kind === 'value'
    ? store.put(found.key, found.value, found.ttl)
    : store.link(found.index, found.member, found.score, found.ttl)

/** The value of the mark once the birth mark is that of a restore, not of a server. */
const born = 'born'
/** Records that are written at a time. */
const atOnce = 100

/**
 * Writes `records` into the store. Without `replace` it must be empty. Resolves to the number of records. Where this ends in
 * between, whatever the reason, the mark stays in the store, and neither the server nor a command uses it.
 */
export async function fill(
  target: OpenedPlain,
  records: AsyncIterable<Found>,
  { replace, gone = [] }: { replace: boolean; gone?: readonly string[] },
): Promise<number> {
  const { plain } = target
  if (replace && (await plain.get(unfinishedKey)) !== born) await requireUnused(target, gone)
  const isFirst = await plain.create(unfinishedKey, '1')
  if (replace) await clear(plain)
  else await requireEmpty(target, isFirst)
  let count = 0
  let waiting: Found[] = []
  const flush = async (): Promise<void> => {
    await Promise.all(waiting.map((found) => write(plain, found)))
    count += waiting.length
    waiting = []
  }
  const accounts = await encrypted(plain, target.config)
  for await (const found of records) {
    waiting.push(found)
    if (waiting.length >= atOnce) await flush()
    const { sub, realm } = accountOf(found) ?? {}
    if (sub === undefined) continue
    const store = realm === undefined ? accounts : realmStore(accounts, realm)
    // No device is trusted that may have lost this trust since the backup.
    await FactorGeneration.renew({ ...target, store }, systemRandom, sub)
  }
  await flush()
  await end(target)
  return count
}

async function requireEmpty({ config, plain }: OpenedPlain, isFirst: boolean): Promise<void> {
  if (isFirst && (await isEmpty(plain))) return
  const what = isFirst ? 'data' : 'a part of what a restore or a move has written that did not end'
  if (isFirst) await plain.take(unfinishedKey)
  throw new Refusal(
    `${storeLocation(config)} has ${what}: name an empty store, or add --replace --yes, which deletes what it has`,
  )
}

/** What was issued until now is refused where the store would have to remember that it was used or revoked. */
async function end({ config, clock, log, plain }: OpenedPlain): Promise<void> {
  const store = await encrypted(plain, config)
  if ((await plain.get('birth')) !== undefined)
    throw new Refusal(
      `a server was started on ${storeLocation(config)} during the restore: stop it, and begin again with --replace --yes`,
    )
  await plain.put(unfinishedKey, born)
  await createBirth({ store, clock, log }).renew()
  await plain.take(unfinishedKey)
}
