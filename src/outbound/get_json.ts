/** Fetches and caches JSON: concurrent callers share one request, the size is bounded, Cache-Control may shorten the lifetime. https://www.rfc-editor.org/rfc/rfc9111#section-4.2 */
import type { Clock } from '../lib/clock.ts'
import { deepFreeze } from '../lib/freeze.ts'
import { OutboundError } from './error.ts'
import type { OutboundOptions, OutboundResponse } from './request.ts'

export interface JsonOptions extends Pick<OutboundOptions, 'accept' | 'maxBytes' | 'timeoutMs'> {
  /** The longest time in seconds to cache it. The response's max-age may shorten that, down to ten seconds. Default 0: not cached. */
  cacheFor?: number
  /** Seconds: a copy fetched longer ago than this is fetched again. */
  notOlderThan?: number
  /** Accept only `application/json` or `application/…+json`: a text file that a user uploaded is not a statement of the host. */
  strictType?: boolean
  /** Throws to refuse the value. A refused value is not cached, `getJson` rejects with the error, and no failure is remembered. */
  validate?(value: unknown): void
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
/** Seconds in which a URL that failed is not requested again, so that callers do not wait during an outage. */
const failureLifeSeconds = 10
const mostBytes = 16_777_216
const mostFailures = 1000

/** `fetch` is that of outbound.ts. The value is shared among callers, so it is frozen. */
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

  async function load(url: string, { cacheFor = 0, validate, ...options }: JsonOptions): Promise<unknown> {
    try {
      const response = await fetch(url, { accept: 'application/json', ...options })
      if (response.status !== 200)
        throw new OutboundError('status', `answered with status ${response.status}`)
      if (options.strictType && !jsonType.test(response.headers['content-type'] ?? ''))
        throw new OutboundError('malformed', 'must be served as application/json')
      const value = parse(response.body)
      validate?.(value)
      const now = clock.now()
      // 500: the memory of the entry itself.
      const size = Buffer.byteLength(response.body) + url.length + 500
      const until = now + lifeOf(response.headers['cache-control'], cacheFor) * 1000
      if (cacheFor > 0) keep(url, { value, bytes: size, fetchedAt: now, until })
      failures.delete(url)
      return value
    } catch (error) {
      // `busy` is our own limit and not a failure of the other server.
      if (error instanceof OutboundError && error.reason !== 'busy' && cacheFor > 0 && !validate)
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
    throw new OutboundError('malformed', 'answered no JSON') // also for JSON nested too deeply for the stack
  }
}
