/** Two sign-ins of an End-User whose places lie further apart than anyone travels in the time between them. */
import * as v from 'valibot'
import type { Store } from '../../../store/store.ts'
import type { Entry } from '../entry.ts'

export interface Place {
  /** Degrees. */
  latitude: number
  longitude: number
}

export type FindPlace = (address: string) => Promise<Place | undefined>

const Last = v.object({ latitude: v.number(), longitude: v.number(), at: v.number() })

/** Milliseconds for which the place of a sign-in is remembered: in this time anyone gets anywhere. */
const rememberedMs = 86_400_000
/** Kilometres: places of addresses are not exact, and one End-User may use two networks at once. */
const nearby = 500
const hourMs = 3_600_000

const lastKey = (subject: string): string => `audit_last_place:${subject}`

/** Whether a person could not have come from the place before in that time. The place is remembered. */
export async function wayOf(
  store: Store,
  findPlace: FindPlace | undefined,
  { subject, address, time }: Entry,
  fasterThan: number,
): Promise<boolean> {
  if (!findPlace || subject === undefined || address === undefined) return false
  const place = await findPlace(address)
  if (!place) return false
  const at = Date.parse(time)
  const before = read(await store.get(lastKey(subject)))
  if (!before || at >= before.at)
    await store.put(lastKey(subject), JSON.stringify({ ...place, at }), rememberedMs)
  if (!before) return false
  const way = kilometres(before, place)
  const hours = Math.abs(at - before.at) / hourMs
  return way > nearby && way > fasterThan * hours
}

function read(text: string | undefined): v.InferOutput<typeof Last> | undefined {
  try {
    const found = v.safeParse(Last, JSON.parse(text ?? 'null'))
    return found.success ? found.output : undefined
  } catch {
    return undefined
  }
}

const radius = 6371
const radians = (degrees: number): number => (degrees * Math.PI) / 180

/** The haversine formula, on a sphere. */
export function kilometres(one: Place, other: Place): number {
  const [a, b] = [radians(one.latitude), radians(other.latitude)]
  const north = Math.sin((b - a) / 2) ** 2
  const east = Math.sin(radians(other.longitude - one.longitude) / 2) ** 2
  return 2 * radius * Math.asin(Math.min(1, Math.sqrt(north + Math.cos(a) * Math.cos(b) * east)))
}
