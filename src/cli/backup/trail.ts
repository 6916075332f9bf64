/** The audit trail in a backup: up to the entries that were there when it began, so that no chain has a gap. docs/decisions/0078-audit-trail.md */
import { chainsIndex, chainsOf, checkpointsIndex } from '../../models/audit/stored.ts'
import { ofRealm, realmOf, realmStore } from '../../store/realm.ts'
import type { Found, Store } from '../../store/store.ts'

interface Trail {
  ends: Found[]
  isIn(found: Found): boolean
}

/** The trails of the server and of its realms, by id: each is whole up to now. */
export async function trailsOf(plain: Store, realms: Iterable<string>): Promise<Trail> {
  const own = await trailOf(plain)
  const ofRealms = new Map<string, Trail>()
  for (const id of realms) ofRealms.set(id, await trailOf(realmStore(plain, id)))
  const ends = [...ofRealms].flatMap(([id, trail]) => trail.ends.map((found) => ofRealm(id, found)))
  return {
    ends: [...own.ends, ...ends],
    isIn(found) {
      const { realm, inside } = realmOf(found) ?? {}
      return inside ? (ofRealms.get(realm!)?.isIn(inside) ?? false) : own.isIn(found)
    },
  }
}

/**
 * The members of the indexes of the trail, and whether something of a scan that begins later is in the backup. The trail is
 * only added to: what a scan finds after the newest entry of now may lack what was written just before.
 */
async function trailOf(plain: Store): Promise<Trail> {
  // The checkpoints first: each covers entries that were written before it.
  const ends: Found[] = []
  const newest = new Map<string, number>()
  const add = (index: string, member: string, score: number, name: string) => {
    ends.push({ kind: 'member', index, member, score })
    newest.set(name, score)
  }
  for (const { member, score } of await plain.range(checkpointsIndex, { limit: 1 }))
    add(checkpointsIndex, member, score, 'audit_checkpoint')
  for (const [chain, score] of await chainsOf(plain)) add(chainsIndex, chain, score, `audit:${chain}`)
  return {
    ends,
    isIn(found) {
      if (found.kind === 'member') return found.index !== chainsIndex && found.index !== checkpointsIndex
      const end = found.key.lastIndexOf(':')
      const name = found.key.slice(0, end)
      if (!/^audit(:|_checkpoint$)/.test(name)) return true
      return Number(found.key.slice(end + 1)) <= (newest.get(name) ?? -1)
    },
  }
}
