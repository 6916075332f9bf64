/** The realms of a backup: those that exist when it begins. What is left of a removed one is in none. docs/realms.md */
import type { Memory } from '../../models/define_record.ts'
import { Realm, realmKeyOf } from '../../models/realm.ts'
import { realmOf } from '../../store/realm.ts'
import type { Found } from '../../store/store.ts'

export interface KeptRealms {
  ids: ReadonlySet<string>
  /** Also of what is of no realm. A realm that was created since is left out as a whole. */
  isIn(found: Found): boolean
}

export async function keptRealms(memory: Memory): Promise<KeptRealms> {
  const names = new Set<string>()
  const ids = new Set<string>()
  for (const { id, name } of await Realm.keys(memory)) {
    // What is left of a removed realm keeps its name for a while.
    if ((await Realm.find(memory, name))?.id !== id) continue
    names.add(name)
    ids.add(id)
  }
  const prefix = Realm.key('')
  return {
    ids,
    isIn(found) {
      const realm = realmOf(found)?.realm
      if (realm !== undefined) return ids.has(realm)
      if (found.kind === 'member') return found.index !== Realm.index || ids.has(realmKeyOf(found.member).id)
      return !found.key.startsWith(prefix) || names.has(found.key.slice(prefix.length))
    },
  }
}
