/** Whether a realm could be opened with its settings: all that a start of the server would find wrong with the same settings. */
import { looksOf } from '../../html/looks.ts'
import type { Random } from '../../lib/random.ts'
import type { Memory } from '../../models/define_record.ts'
import { Realm, type RealmRecord } from '../../models/realm.ts'
import type { WrittenRealms } from '../../people/realm_changes.ts'
import { featuresFor } from '../../table.ts'
import { realmConfig, type Root } from './realm_config.ts'

/** Throws ConfigError. */
export function checkRealm(root: Root, realm: Pick<RealmRecord, 'id' | 'name' | 'settings'>): void {
  const config = realmConfig(root, realm)
  featuresFor(config)
  looksOf(config)
}

/** `root` is asked for each time: the settings of the server may have changed. */
export const writtenRealms = (memory: Memory, random: Random, root: () => Root): WrittenRealms => ({
  async create(made) {
    checkRealm(root(), { ...made, id: '' })
    return Realm.create(memory, random, made)
  },
  update: (name, change) =>
    Realm.update(memory, random, name, (current) => {
      const next = change(current)
      // One with a setting that a later release refuses can still be disabled.
      if (next && !Bun.deepEquals(next.settings, current.settings)) checkRealm(root(), { ...next, name })
      return next
    }),
  remove: (name, id, check) => Realm.remove(memory, random, name, id, check),
})
