/** On which day each redirect URI of a client was used last: what a plan says of one that goes. docs/configuration_files.md */
import * as v from 'valibot'
import { seconds } from '../../lib/clock.ts'
import { defineRecord, type Memory } from '../define_record.ts'
import { dayOf } from './usage.ts'

/** Days for which a use is remembered. */
const keptDays = 400
/** Registered URIs, of which the ones that were not used for the longest time go first. */
const mostUris = 100

const records = defineRecord(
  'redirect_use',
  v.object({
    /** Days since the epoch (UTC): of the first use that was noted, and of the last use of each. */
    since: v.number(),
    days: v.array(v.tuple([v.string(), v.number()])),
    exp: v.number(),
  }),
)

export interface RedirectUse {
  since: number
  /** By registered redirect URI. */
  days: ReadonlyMap<string, number>
}

/** Of instances that note at once none is lost. A day that is there already costs one read. */
export async function addRedirectDays(
  memory: Memory,
  clientId: string,
  more: ReadonlyMap<string, number>,
): Promise<void> {
  const now = seconds(memory.clock)
  const exp = now + keptDays * 86_400
  const added = (days: readonly (readonly [string, number])[]) => {
    const all = new Map(days)
    for (const [uri, day] of more) all.set(uri, Math.max(day, all.get(uri) ?? 0))
    return [...all]
      .filter(([, day]) => day > dayOf(now) - keptDays)
      .toSorted(([, one], [, other]) => other - one)
      .slice(0, mostUris)
      .map(([uri, day]): [string, number] => [uri, day])
  }
  const fresh = { since: Math.min(dayOf(now), ...more.values()), days: added([]), exp }
  if (await records.create(memory, clientId, fresh)) return
  await records.update(memory, clientId, (current) => {
    const known = new Map(current.days)
    const isKnown = [...more].every(([uri, day]) => (known.get(uri) ?? 0) >= day)
    return isKnown ? undefined : { ...current, days: added(current.days), exp }
  })
}

export async function redirectUseOf(memory: Memory, clientId: string): Promise<RedirectUse | undefined> {
  const found = await records.find(memory, clientId)
  return found && { since: found.since, days: new Map(found.days) }
}
