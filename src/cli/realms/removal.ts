/** Removes the realms whose end has come, and the data of removed ones: one scan for all of them. */
import { type Random, systemRandom } from '../../lib/random.ts'
import type { Memory } from '../../models/define_record.ts'
import { Realm } from '../../models/realm.ts'
import { realmOf } from '../../store/realm.ts'

/** Milliseconds after which no instance serves a removed realm any more. */
const quietAfter = 60_000
/** Milliseconds for which one instance has the turn. */
const turnFor = 60_000

const turnKey = 'realms_turn'

export async function removeRealms(memory: Memory, random: Random = systemRandom): Promise<void> {
  const ended = await Realm.removeEnded(memory, random)
  for (const { name } of ended) memory.log.info('realm_ended', { realm: name })
  const gone = await Realm.gone(memory, random, quietAfter)
  if (gone.length === 0 || !(await memory.store.create(turnKey, '', turnFor))) return
  const removed = await removeData(memory, new Set(gone.map(({ id }) => id)))
  for (const each of gone) await Realm.forget(memory, each)
  memory.log.info('realms_removed', { realms: gone.map(({ name }) => name), records: removed })
}

async function removeData({ store }: Memory, ids: ReadonlySet<string>): Promise<number> {
  let removed = 0
  for await (const page of store.scan())
    for (const found of page) {
      const { realm } = realmOf(found) ?? {}
      if (realm === undefined || !ids.has(realm)) continue
      if (found.kind === 'value') await store.take(found.key)
      else await store.unlink(found.index, found.member)
      removed += 1
    }
  return removed
}
