/** Alerts that are raised and not over: a record for each rule and whom it is about, so that of all instances one raises it. */
import * as v from 'valibot'
import type { Store } from '../../../store/store.ts'
import type { Audit } from '../audit.ts'

/** Scored by when the alert is over (ms). */
export const activeIndex = 'audit_alerts'

const Active = v.object({
  rule: v.string(),
  level: v.picklist(['warning', 'critical']),
  /** Whom it is about: an address, a pseudonym, a client or an operator; empty for a rule that counts all together. */
  of: v.string(),
  count: v.number(),
  /** Milliseconds: of the first and of the newest entry, and when it is over unless another one comes. */
  since: v.number(),
  last: v.number(),
  until: v.number(),
  /** The entry that raised it. */
  about: v.string(),
  /** Its entry `alert_raised` is in the trail. */
  told: v.boolean(),
})
export type Active = v.InferOutput<typeof Active>

/** Members of an index are readable in every store, and an address has few digests: a keyed one does not tell it. */
export const activeId = ({ fingerprint }: Pick<Audit, 'fingerprint'>, rule: string, of: string): string =>
  `${rule}:${fingerprint(of).slice(-16)}`

const keyOf = (id: string): string => `audit_alert:${id}`

export interface Kept {
  text: string
  alert: Active
}

export async function readActive(store: Store, id: string): Promise<Kept | undefined> {
  const text = await store.get(keyOf(id))
  if (text === undefined) return undefined
  try {
    const read = v.safeParse(Active, JSON.parse(text))
    return read.success ? { text, alert: read.output } : undefined
  } catch {
    return undefined
  }
}

/** Beyond its end, so that an alert whose end was not told in time is still there to be told. */
const spareMs = 86_400_000

/** True for the one that raises it. */
export async function beginActive(store: Store, id: string, alert: Active): Promise<boolean> {
  await store.link(activeIndex, id, alert.until)
  return store.create(keyOf(id), JSON.stringify(alert), alert.until - alert.last + spareMs)
}

export async function changeActive(store: Store, id: string, before: Kept, alert: Active): Promise<boolean> {
  await store.link(activeIndex, id, alert.until)
  return store.replace(keyOf(id), before.text, JSON.stringify(alert), alert.until - alert.last + spareMs)
}

export async function endActive(store: Store, id: string): Promise<void> {
  await store.take(keyOf(id))
  await store.unlink(activeIndex, id)
}

/** Alerts that are not over, the one that ends last first. Each rule has few at a time. */
export async function activeAlerts(store: Store, most: number): Promise<Active[]> {
  const ids = await store.range(activeIndex, { limit: most })
  const found = await Promise.all(ids.map(({ member }) => readActive(store, member)))
  return found.flatMap((kept) => kept?.alert ?? []).toSorted((a, b) => b.until - a.until)
}
