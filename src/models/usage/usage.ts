/** What this instance counts between two writes: an increment of a number for a token, and no write. docs/decisions/0083-large-tables.md */
import { addSeen, type Counted, type CountedClient, noClient, rowOf, type Rows } from './rows.ts'

/** Hours since the epoch, and how many sessions more or less end within each. */
export type SessionEnds = Map<number, number>

export interface Usage {
  /** One more, of this client; of none when it is not known. */
  count(kind: Counted, client: CountedClient | undefined): void
  /** A person who was active at a client, in a session if there is one. */
  seen(client: CountedClient | undefined, sub: string, sid?: string): void
  /** A session that began (`to`), goes on (both) or was ended (`from`): seconds at which it ends by itself. */
  session(from: number | undefined, to: number | undefined): void
  /** What was counted since the last call; undefined when nothing was. */
  take(): { rows: Rows; ends: SessionEnds } | undefined
}

export const hourOf = (seconds: number): number => Math.floor(seconds / 3600)

/** `most` clients are counted by themselves; 0 counts nothing. */
export function createUsage(most: number): Usage {
  let rows: Rows = new Map()
  let ends: SessionEnds = new Map()
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
    take() {
      if (rows.size === 0 && ends.size === 0) return undefined
      const taken = { rows, ends }
      rows = new Map()
      ends = new Map()
      return taken
    },
  }
}
