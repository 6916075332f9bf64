/** One-time tickets. A page cannot send a header with a WebSocket, and a token in the address would be in logs: a ticket in its place is worth nothing a moment later. */
import { Database } from 'bun:sqlite'
import { createHash, randomBytes } from 'node:crypto'

/** What a ticket is for: another use of it is refused, and it is gone. */
export interface Ticket {
  sub: string
  name: string
  purpose: 'connect' | 'renew'
  /** Of the page that asked for it; null for a program, which sends none. */
  origin: string | null
  /** SHA-256 of the name of the session; null where an access token was sent. */
  session: string | null
  /** Milliseconds since 1970: the end of what the ticket gives access to. */
  until: number
}

export interface Tickets {
  /** Undefined when this holder, or all together, have too many that are open. */
  issue(ticket: Ticket): string | undefined
  /** The ticket, for the first caller with its handle and for no other. */
  redeem(handle: string): Ticket | undefined
}

interface Bounds {
  ms: number
  mostOfOne: number
  most: number
}

const usual: Bounds = { ms: 10_000, mostOfOne: 5, most: 100_000 }

export const hashOf = (text: string): string => createHash('sha256').update(text).digest('base64url')

/**
 * In a file that all processes of this server share. In Redis: `SET … NX PX`, and `GETDEL` to redeem. What is kept is the hash
 * of a handle, so that a copy of the file opens no connection.
 */
export function createTickets(
  path: string,
  { ms, mostOfOne, most }: Bounds = usual,
  now = Date.now,
): Tickets {
  const db = new Database(path, { create: true, strict: true })
  db.run('PRAGMA journal_mode = WAL')
  db.run('PRAGMA busy_timeout = 2000')
  db.run(
    'CREATE TABLE IF NOT EXISTS ticket (hash TEXT PRIMARY KEY, holder TEXT, expires INTEGER, value TEXT)',
  )
  db.run('CREATE INDEX IF NOT EXISTS ticket_holder ON ticket (holder)')
  // One statement counts and adds, so that processes that share the file cannot exceed a bound together.
  const add = db.query(
    `INSERT INTO ticket SELECT $hash, $holder, $expires, $value
     WHERE (SELECT count(*) FROM ticket WHERE holder = $holder) < $mostOfOne AND (SELECT count(*) FROM ticket) < $most`,
  )
  const clear = db.query('DELETE FROM ticket WHERE expires <= $now')
  // The one verb that decides: of all that come with one handle, one gets the row.
  const take = db.query<{ value: string; expires: number }, { hash: string }>(
    'DELETE FROM ticket WHERE hash = $hash RETURNING value, expires',
  )
  return {
    issue(ticket) {
      clear.run({ now: now() })
      const handle = randomBytes(32).toString('base64url')
      const holder = hashOf(ticket.session ?? ticket.sub)
      const row = { hash: hashOf(handle), holder, expires: now() + ms, value: JSON.stringify(ticket) }
      return add.run({ ...row, mostOfOne, most }).changes === 1 ? handle : undefined
    },
    redeem(handle) {
      const row = handle.length > 100 ? null : take.get({ hash: hashOf(handle) })
      return row && row.expires > now() ? (JSON.parse(row.value) as Ticket) : undefined
    },
  }
}
