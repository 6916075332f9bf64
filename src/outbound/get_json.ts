/** JSON from elsewhere, kept for a while: single flight, bounded, as long as its Cache-Control allows and we do. https://www.rfc-editor.org/rfc/rfc9111#section-4.2 */
import type { Clock } from '../lib/clock.ts'
import { deepFreeze } from '../lib/freeze.ts'
import { OutboundError } from './error.ts'
import type { OutboundOptions, OutboundResponse } from './request.ts'

export interface JsonOptions extends Pick<OutboundOptions, 'accept' | 'maxBytes' | 'timeoutMs'> {
  /** Seconds to keep it at most; its own max-age may shorten that, down to ten seconds. 0, not kept, when left out. */
  cacheFor?: number
  /** Seconds: a copy fetched longer ago than this is fetched again. */
  notOlderThan?: number
  /** Nothing but `application/json` or `application/…+json`: text that somebody uploaded does not speak for its host. */
  strictType?: boolean
  /** Keep only what this throws nothing about, and remember no failure. It rejects with what this throws. */
  judge?(value: unknown): void
}

export type GetJson = (url: string, options?: JsonOptions) => Promise<unknown>

interface Copy {
  value: unknown
  bytes: number
  fetchedAt: number
  until: number
}

const jsonType = /^application\/(?:[\w.!#$&^-]+\+)?json\s*(?:;|$)/i
const shortestLifeSeconds = 10
/** Seconds in which a URL that failed is not asked again: an outage costs its callers nothing but the answer. */
const failureLifeSeconds = 10
const mostBytes = 16_777_216
const mostFailures = 1000

/** `fetch` is the guarded one. What `getJson` resolves to is shared among its callers, hence frozen. */
export function createGetJson(
  fetch: (url: string, options: OutboundOptions) => Promise<OutboundResponse>,
  clock: Clock,
): GetJson {
  const copies = new Map<string, Copy>()
  const failures = new Map<string, { error: OutboundError; until: number }>()
  const flights = new Map<string, Promise<unknown>>()
  let bytes = 0

  const drop = (url: string) => {
    bytes -= copies.get(url)?.bytes ?? 0
    copies.delete(url)
  }

  const keep = (url: string, copy: Copy) => {
    drop(url)
    copies.set(url, copy)
    bytes += copy.bytes
    for (const [oldest] of copies) {
      if (bytes <= mostBytes) break
      drop(oldest)
    }
  }

  const remember = (url: string, error: OutboundError) => {
    failures.delete(url)
    failures.set(url, { error, until: clock.now() + failureLifeSeconds * 1000 })
    if (failures.size > mostFailures) failures.delete(failures.keys().next().value!)
  }

  async function load(url: string, { cacheFor = 0, judge, ...options }: JsonOptions): Promise<unknown> {
    try {
      const response = await fetch(url, { accept: 'application/json', ...options })
      if (response.status !== 200)
        throw new OutboundError('status', `answered with status ${response.status}`)
      if (options.strictType && !jsonType.test(response.headers['content-type'] ?? ''))
        throw new OutboundError('malformed', 'must be served as application/json')
      const value = parse(response.body)
      judge?.(value)
      const now = clock.now()
      // An object costs a little even when it is small.
      const size = Buffer.byteLength(response.body) + url.length + 500
      const until = now + lifeOf(response.headers['cache-control'], cacheFor) * 1000
      if (cacheFor > 0) keep(url, { value, bytes: size, fetchedAt: now, until })
      failures.delete(url)
      return value
    } catch (error) {
      // A full house is ours, not theirs.
      if (error instanceof OutboundError && error.reason !== 'busy' && cacheFor > 0 && !judge)
        remember(url, error)
      throw error
    } finally {
      flights.delete(url)
    }
  }

  return async (url, options = {}) => {
    const now = clock.now()
    const { cacheFor = 0, notOlderThan = cacheFor } = options
    const copy = cacheFor > 0 ? copies.get(url) : undefined
    if (copy && copy.until > now && now - copy.fetchedAt < notOlderThan * 1000) return copy.value
    const failure = cacheFor > 0 ? failures.get(url) : undefined
    if (failure && failure.until > now) throw failure.error
    const flight = flights.get(url) ?? load(url, options)
    flights.set(url, flight)
    return flight
  }
}

function lifeOf(cacheControl = '', cacheFor: number): number {
  const stated = /(?:^|[\s,])max-age="?(\d{1,10})/i.exec(cacheControl)?.[1]
  const asked = /(?:^|[\s,])no-(?:store|cache)/i.test(cacheControl) ? 0 : Number(stated ?? cacheFor)
  return Math.min(cacheFor, Math.max(asked, shortestLifeSeconds))
}

function parse(text: string): unknown {
  try {
    return deepFreeze(JSON.parse(text) as unknown)
  } catch {
    throw new OutboundError('malformed', 'answered no JSON') // nesting too deep for the stack lands here too
  }
}
