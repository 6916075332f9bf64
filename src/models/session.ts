/** A sign-in on one browser. The cookie is `sid` and a secret; the record has the hash of the secret. OWASP ASVS 5.0 V7 */
import * as v from 'valibot'
import { equalInConstantTime } from '../lib/equal.ts'
import { sha256 } from '../lib/hash.ts'
import type { Random } from '../lib/random.ts'
import { openObject } from './declared.ts'
import { defineRecord, type Memory } from './define_record.ts'
import { everyMember } from './every_member.ts'
import type { Scored } from '../store/store.ts'
import { seconds } from '../lib/clock.ts'

const schema = openObject({
  sid: v.string(),
  secret_hash: v.string(),
  sub: v.string(),
  /** Milliseconds. */
  authenticated_at: v.number(),
  /** Milliseconds: when another provider authenticated the End-User who signed in here with it; 0 if it did not say. */
  proven_at: v.optional(v.number()),
  /** The id of the provider with which the End-User signed in here, whatever was proven here besides. */
  through: v.optional(v.string()),
  acr: v.string(),
  amr: v.array(v.string()),
  /** Seconds. */
  created_at: v.number(),
  seen_at: v.number(),
  /** Seconds: the earlier of the idle and the absolute end. */
  exp: v.number(),
  /** How many changes of the password it outlived, each under a new secret. A grant of a request that began before has fewer. */
  epoch: v.optional(v.number()),
  /** The clients that received a code or token in this session; they are told when it ends. */
  clients: v.array(v.string()),
  /** The address and the User-Agent header of the sign-in, shown to the End-User. */
  address: v.optional(v.string()),
  user_agent: v.optional(v.string()),
})
const records = defineRecord('session', schema)

export interface Session extends v.InferOutput<typeof schema> {}

/** Seconds. */
export interface SessionLifetimes {
  idle: number
  absolute: number
}

const sidLength = 20
/** Of the value of a cookie. */
export const sidIn = (cookie: string): string => cookie.slice(0, sidLength)
export const secretIn = (cookie: string): string => cookie.slice(sidLength)
const ofUser = (sub: string) => `user_sessions:${sub}`
/**
 * All sessions, by the millisecond in which each ends when it is not used again. A use moves the entry; what has ended is
 * unlinked, and what has expired is trimmed at the next sign-in.
 */
const allIndex = 'sessions'
/** Records that are read for one page, whatever the filter. */
const mostRead = 500

/** A page of sessions. */
export interface SessionPage {
  items: Session[]
  /** Where the next page begins; undefined on the last one. A page may be shorter than its limit, also empty, and not the last. */
  next?: Scored
}

export interface SessionSearch {
  /** The sessions of this End-User alone, by the end of each that `SESSION_TTL` sets. */
  sub?: string | undefined
  descending?: boolean | undefined
  after?: Scored | undefined
  limit: number
  matches(session: Session): boolean
}
const touchEverySeconds = 60 // at most one write a minute, so the idle end is exact to a minute

const end = (session: Pick<Session, 'created_at'>, now: number, lifetimes: SessionLifetimes) =>
  Math.min(session.created_at + lifetimes.absolute, now + lifetimes.idle)

export interface SignIn {
  sub: string
  acr: string
  amr: string[]
  address?: string
  user_agent?: string
  /** In a step-up, when the session was authenticated (ms). Neither that time nor the absolute end of the session moves. */
  authenticated_at?: number
  /** After a sign-in with another provider, when that provider authenticated the End-User (ms); 0 if it did not say. */
  proven_at?: number | undefined
  through?: string | undefined
  /** The session goes on after an end of all other access, and grants of requests that read it before are worth nothing. */
  outlives?: boolean
}

export const Session = {
  find: records.find,
  update: records.update,

  /** The session of a cookie; undefined when the secret is not that of the session. */
  async ofCookie(memory: Memory, cookie: string): Promise<Session | undefined> {
    const session = await records.find(memory, sidIn(cookie))
    return session && equalInConstantTime(session.secret_hash, sha256(secretIn(cookie))) ? session : undefined
  },

  /**
   * Begins a session and returns it with its cookie. A repeated sign-in of the same End-User keeps `sid`, which clients
   * know from ID Tokens, and makes a new secret: the older cookie is no longer valid. A `previous` session that has ended
   * stays ended, and the new one has another `sid`: one compare-and-swap decides, which also keeps the clients that joined
   * since `previous` was read.
   */
  async begin(
    memory: Memory,
    random: Random,
    { outlives = false, ...signIn }: SignIn,
    lifetimes: SessionLifetimes,
    previous?: Session,
  ) {
    const now = seconds(memory.clock)
    const secret = random(33)
    const sessionOf = (sid: string, kept?: Session): Session => {
      const created_at = (signIn.authenticated_at === undefined ? undefined : kept?.created_at) ?? now
      return {
        ...kept,
        ...signIn,
        sid,
        secret_hash: sha256(secret),
        authenticated_at: signIn.authenticated_at ?? memory.clock.now(),
        proven_at: signIn.authenticated_at === undefined ? signIn.proven_at : kept?.proven_at,
        through: signIn.authenticated_at === undefined ? signIn.through : kept?.through,
        created_at,
        seen_at: now,
        exp: end({ created_at }, now, lifetimes),
        ...(outlives && { epoch: (kept?.epoch ?? 0) + 1 }),
        clients: kept?.clients ?? [],
      }
    }
    const index = ofUser(signIn.sub)
    const [again] = await Promise.all([
      previous?.sub === signIn.sub &&
        records.update(memory, previous.sid, (current) => sessionOf(current.sid, current)),
      memory.store.trim(index, memory.clock.now()),
      memory.store.trim(allIndex, memory.clock.now()),
    ])
    const session = again || sessionOf(random(15))
    await Promise.all([
      !again && records.put(memory, session.sid, session),
      memory.store.link(allIndex, session.sid, session.exp * 1000, lifetimes.absolute * 1000),
      memory.store.link(index, session.sid, (now + lifetimes.absolute) * 1000, lifetimes.absolute * 1000),
    ])
    return { session, cookie: `${session.sid}${secret}` }
  },

  /** Records a use, and a client that receives a code or token. Writes only when that changes the record; then the end before and now. */
  async touch(
    memory: Memory,
    session: Session,
    lifetimes: SessionLifetimes,
    clientId?: string,
  ): Promise<{ before: number; exp: number } | undefined> {
    const now = seconds(memory.clock)
    const news = clientId !== undefined && !session.clients.includes(clientId)
    if (!news && now - session.seen_at < touchEverySeconds) return undefined
    let before = session.exp
    const exp = end(session, now, lifetimes)
    // Together, so that the entry costs no round trip.
    const [touched] = await Promise.all([
      records.update(memory, session.sid, (current) => {
        before = current.exp
        return {
          ...current,
          seen_at: now,
          exp: end(current, now, lifetimes),
          clients:
            news && !current.clients.includes(clientId) ? [...current.clients, clientId] : current.clients,
        }
      }),
      memory.store.link(allIndex, session.sid, exp * 1000, lifetimes.absolute * 1000),
    ])
    if (!touched && !(await records.find(memory, session.sid)))
      await memory.store.unlink(allIndex, session.sid) // it has ended in between
    return touched && { before, exp: touched.exp }
  },

  /** Removes a client that has no grant of this session any more and need not be told of its end. */
  async leave(memory: Memory, sid: string, clientId: string): Promise<void> {
    await records.update(memory, sid, (current) =>
      current.clients.includes(clientId)
        ? { ...current, clients: current.clients.filter((each) => each !== clientId) }
        : undefined,
    )
  },

  /** Deletes the session and returns it to the one caller that did. `people/end_session.ts` ends its grants. */
  async end(memory: Memory, sid: string): Promise<Session | undefined> {
    const session = await records.take(memory, sid)
    if (session)
      await Promise.all([memory.store.unlink(ofUser(session.sub), sid), memory.store.unlink(allIndex, sid)])
    return session
  },

  /**
   * A page of the current sessions of all End-Users, or of one, in bounded work. One that began before this release is there
   * from its next recorded use on; among those of one End-User it is there always.
   */
  async page(
    memory: Memory,
    { sub, descending = false, after, limit, matches }: SessionSearch,
  ): Promise<SessionPage> {
    const items: Session[] = []
    let place = after
    for (let read = 0; read < mostRead;) {
      // As many more as were read for nothing before: a rare match takes few round trips.
      const size = Math.min(mostRead - read, Math.max(limit - items.length, 1) + read)
      const entries = await memory.store.range(sub === undefined ? allIndex : ofUser(sub), {
        min: memory.clock.now(),
        descending,
        limit: size,
        ...(place && { after: place }),
      })
      const found = await Promise.all(entries.map(({ member }) => records.find(memory, member)))
      for (const [i, entry] of entries.entries()) {
        if (items.length >= limit) return { items, ...(place && { next: place }) }
        const session = found[i]
        if (session && matches(session)) items.push(session)
        place = entry
      }
      read += entries.length
      if (entries.length < size) return { items }
    }
    return { items, ...(place && { next: place }) }
  },

  /** All current sessions of an End-User, without a limit: a caller that ends them must miss none. */
  async listOfUser(memory: Memory, sub: string): Promise<Session[]> {
    const sids = await everyMember(memory.store, ofUser(sub), memory.clock.now())
    return (await Promise.all(sids.map((sid) => records.find(memory, sid)))).filter(
      (session) => session !== undefined,
    )
  },
}

type Authenticated = Pick<Session, 'authenticated_at' | 'proven_at'>

/** Milliseconds: when the End-User of the session was authenticated; 0 if that is not known. */
export const provenAt = ({ authenticated_at, proven_at }: Authenticated): number =>
  proven_at ?? authenticated_at

/** Seconds. */
export const authTime = (session: Authenticated): number => Math.floor(provenAt(session) / 1000)
