/** Fetches and caches JSON and images: concurrent callers share one request, the size is bounded, Cache-Control may shorten the lifetime. https://www.rfc-editor.org/rfc/rfc9111#section-4.2 */
import { RefusedError } from '../auth/refusal.ts'
import { type BoundedMap, createBoundedMap } from '../lib/bounded_map.ts'
import { type Clock, isWithin, type Moment, momentOf } from '../lib/clock.ts'
import { deepFreeze } from '../lib/freeze.ts'
import { imageType, imageTypes } from '../lib/image_type.ts'
import { OutboundError } from './error.ts'
import { byPurpose } from './purpose.ts'
import type { OutboundOptions, OutboundResponse } from './request.ts'

export interface JsonOptions extends Pick<OutboundOptions, 'purpose' | 'accept' | 'maxBytes' | 'timeoutMs'> {
  /** The longest time in seconds to cache it. The response's max-age may shorten that, down to ten seconds. Default 0: not cached. */
  cacheFor?: number
  /** Seconds: a copy fetched longer ago than this is fetched again. */
  notOlderThan?: number
  /** Accept only `application/json` or `application/…+json`: a text file that a user uploaded is not a statement of the host. */
  strictType?: boolean
  /** Throws to refuse the value. A refused value is not cached, and `getJson` rejects with the error. */
  validate?(value: unknown): void
}

/** An image in one of `imageTypes`. */
export interface FetchedImage {
  type: string
  bytes: Uint8Array<ArrayBuffer>
}

export type GetImage = (
  url: string,
  options: Pick<JsonOptions, 'purpose' | 'maxBytes' | 'timeoutMs' | 'cacheFor'>,
) => Promise<FetchedImage>

export type GetJson = (url: string, options: JsonOptions) => Promise<unknown>

/**
 * What is remembered for one purpose. A value that was fetched for one purpose is not an answer to another, and what fills
 * the memory of one does not empty that of another.
 */
interface Remembered {
  /** `life` in milliseconds. */
  copies: BoundedMap<{ value: unknown; since: Moment; life: number }>
  failures: BoundedMap<{ error: unknown; since: Moment }>
  flights: Map<string, Promise<unknown>>
}

const jsonType = /^application\/(?:[\w.!#$&^-]+\+)?json\s*(?:;|$)/i
const shortestLifeSeconds = 10
/** Seconds in which a URL that failed is not requested again, so that callers do not wait during an outage. */
const failureLifeSeconds = 10
/** Bounds for each purpose. */
const copiesBytes = 16_777_216
const failuresBytes = 1_048_576
/** Bytes of memory that a byte of JSON takes when parsed, about. */
const parsedPerByte = 4
/** The memory of an entry beside its text. */
const entryBytes = 500

/** A value that was fetched under one rule is not an answer under another. */
const keyOf = (url: string, { accept, maxBytes, strictType = false }: JsonOptions): string =>
  JSON.stringify([accept, maxBytes, strictType, url])

/** Whether the next request would fail alike. `busy` is our own limit and not a failure of the other server. */
const isLasting = (error: unknown): boolean =>
  error instanceof OutboundError
    ? error.reason !== 'busy'
    : error instanceof RefusedError && error.status < 500

/** What is read from a response: `size` is the bytes of memory that `value` takes. */
interface Reading {
  value: unknown
  size: number
}

/** `fetch` is that of outbound.ts. The values are shared among callers: JSON is frozen. */
export function createGetters(
  fetch: (url: string, options: OutboundOptions) => Promise<OutboundResponse>,
  clock: Clock,
): { getJson: GetJson; getImage: GetImage } {
  const rememberedOf = byPurpose<Remembered>(() => ({
    copies: createBoundedMap(copiesBytes),
    failures: createBoundedMap(failuresBytes),
    flights: new Map(),
  }))

  async function load(
    key: string,
    url: string,
    options: JsonOptions,
    read: (response: OutboundResponse) => Reading,
  ): Promise<unknown> {
    const { cacheFor = 0, validate } = options
    const { copies, failures, flights } = rememberedOf(options.purpose)
    let size = key.length + entryBytes
    try {
      const response = await fetch(url, options)
      if (response.status !== 200)
        throw new OutboundError('status', `answered with status ${response.status}`)
      if (options.strictType && !jsonType.test(response.headers['content-type'] ?? ''))
        throw new OutboundError('malformed', 'must be served as application/json')
      size += response.bytes.length * parsedPerByte // of a refusal too, which may quote it
      const reading = read(response)
      const { value } = reading
      size = key.length + entryBytes + reading.size
      validate?.(value)
      const life = lifeOf(response.headers['cache-control'], cacheFor) * 1000
      if (cacheFor > 0) copies.set(key, { value, since: momentOf(clock), life }, size)
      failures.delete(key)
      return value
    } catch (error) {
      if (cacheFor > 0 && isLasting(error)) failures.set(key, { error, since: momentOf(clock) }, size)
      throw error
    } finally {
      flights.delete(key)
    }
  }

  async function get(
    url: string,
    options: JsonOptions,
    read: (response: OutboundResponse) => Reading,
  ): Promise<unknown> {
    const { cacheFor = 0, notOlderThan = cacheFor } = options
    const { copies, failures, flights } = rememberedOf(options.purpose)
    const key = keyOf(url, options)
    const copy = cacheFor > 0 ? copies.get(key) : undefined
    if (copy && isWithin(clock, copy.since, Math.min(copy.life, notOlderThan * 1000))) return copy.value
    const failure = cacheFor > 0 ? failures.get(key) : undefined
    if (failure && isWithin(clock, failure.since, failureLifeSeconds * 1000)) throw failure.error
    const flight = flights.get(key) ?? load(key, url, options, read)
    flights.set(key, flight)
    return flight
  }

  return {
    getJson: (url, options) =>
      get(url, { ...options, accept: options.accept ?? 'application/json' }, readJson),
    getImage: async (url, options) =>
      (await get(url, { ...options, accept: imageTypes }, readImage)) as FetchedImage,
  }
}

const readJson = ({ body, bytes }: OutboundResponse): Reading => ({
  value: parse(body),
  size: bytes.length * parsedPerByte,
})

function readImage({ bytes }: OutboundResponse): Reading {
  const type = imageType(bytes)
  if (type === undefined) throw new OutboundError('malformed', `answered no image of type ${imageTypes}`)
  return { value: { type, bytes }, size: bytes.length }
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
