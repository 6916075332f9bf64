/** What this instance counts between two writes: an increment of a number for a token, and no write. docs/decisions/0083-large-tables.md */
import { addSeen, type Counted, type CountedClient, noClient, rowOf, type Rows } from './rows.ts'

/** Hours since the epoch, and how many sessions more or less end within each. */
export type SessionEnds = Map<number, number>

/** Days since the epoch (UTC) on which redirect URIs were used, by client_id and registered value. */
export type RedirectDays = Map<string, Map<string, number>>

export interface Usage {
  /** One more, of this client; of none when it is not known. */
  count(kind: Counted, client: CountedClient | undefined): void
  /** A person who was active at a client, in a session if there is one. */
  seen(client: CountedClient | undefined, sub: string, sid?: string): void
  /** A session that began (`to`), goes on (both) or was ended (`from`): seconds at which it ends by itself. */
  session(from: number | undefined, to: number | undefined): void
  /**
   * An End-User came back to a client of an operator at this registered redirect URI. One that registered itself changes
   * its own, and is not noted. The first of a day is written; one that is noted again was not.
   */
  redirect(client: CountedClient, uri: string, day: number, again?: 'again'): void
  /** What was counted since the last call; undefined when nothing was. */
  take(): { rows: Rows; ends: SessionEnds; redirects: RedirectDays } | undefined
}

const secondsOfDay = 86_400
export const dayOf = (seconds: number): number => Math.floor(seconds / secondsOfDay)

/** The redirect URIs of a day that an instance has noted: `most` clients, each with those that it registered. */
function createRedirects(most: number) {
  let today = 0
  let noted = new Map<string, Set<string>>()
  let waiting: RedirectDays = new Map()
  return {
    note(
      { client_id: id, self_registered: isSelf }: CountedClient,
      uri: string,
      day: number,
      again?: 'again',
    ) {
      if (isSelf) return
      if (day !== today) [today, noted] = [day, new Map()]
      const own = noted.get(id) ?? new Set()
      if (again === undefined && (own.has(uri) || (own.size === 0 && noted.size >= most))) return
      noted.set(id, own.add(uri))
      waiting.set(id, (waiting.get(id) ?? new Map<string, number>()).set(uri, day))
    },
    size: () => waiting.size,
    take() {
      const taken = waiting
      waiting = new Map()
      return taken
    },
  }
}

export const hourOf = (seconds: number): number => Math.floor(seconds / 3600)

/** `most` clients are counted by themselves; 0 counts nothing. */
export function createUsage(most: number): Usage {
  let rows: Rows = new Map()
  let ends: SessionEnds = new Map()
  const redirects = createRedirects(most)
  const row = (client: CountedClient | undefined) =>
    client ? rowOf(rows, client.client_id, client.self_registered, most) : rowOf(rows, noClient, false, most)
  const move = (hour: number, by: number) => ends.set(hour, (ends.get(hour) ?? 0) + by)
  const off = () => {}
  return {
    count: most === 0 ? off : (kind, client) => void row(client)[kind]++,
    seen:
      most === 0
        ? off
        : (client, sub, sid) => {
            const found = row(client)
            addSeen(found, 'people', sub)
            if (sid !== undefined) addSeen(found, 'sessions', sid)
          },
    session:
      most === 0
        ? off
        : (from, to) => {
            if (from !== undefined && to !== undefined && hourOf(from) === hourOf(to)) return
            if (from !== undefined) move(hourOf(from), -1)
            if (to !== undefined) move(hourOf(to), 1)
          },
    redirect: most === 0 ? off : redirects.note,
    take() {
      if (rows.size + ends.size + redirects.size() === 0) return undefined
      const taken = { rows, ends, redirects: redirects.take() }
      rows = new Map()
      ends = new Map()
      return taken
    },
  }
}
