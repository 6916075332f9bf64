/** The guarded fetcher, for all requests to URLs that a client or another party chose. docs/architecture.md, "Outbound requests" */
import type { Config } from '../config.ts'
import { readAuthorities } from '../config/named_files.ts'
import type { Clock } from '../lib/clock.ts'
import { createLimiter, type Limiter, type Limits } from '../lib/limiter.ts'
import type { Log } from '../lib/log.ts'
import type { Heard } from '../lib/recorder.ts'
import type { Tracing } from '../lib/tracing.ts'
import { OutboundError } from './error.ts'
import { createGetters, type GetImage, type GetJson } from './get_json.ts'
import { byPurpose, type Purpose } from './purpose.ts'
import { recorded } from './recorded.ts'
import { neverConnected, type OutboundOptions, type OutboundResponse, request } from './request.ts'
import { addressesOf, readTarget, type Resolve, siteOf, type Target } from './target.ts'

export { OutboundError } from './error.ts'
export type { OutboundOptions, OutboundResponse } from './request.ts'

export interface Outbound {
  /**
   * Resolves for any status except 3xx. Rejects only with OutboundError: the URL or address is not allowed, redirects,
   * answers too much or too slowly, is unreachable, or too many requests are running.
   */
  fetch(url: string, options: OutboundOptions): Promise<OutboundResponse>
  /** The JSON at a URL that answers 200, deeply frozen. Rejects as `fetch` does; a failure is remembered ten seconds for its purpose. */
  getJson: GetJson
  /** The image at a URL that answers 200: PNG, JPEG, GIF or WebP by its first bytes. Rejects and remembers as `getJson` does. */
  getImage: GetImage
  /** How the last request to another server ended, by the name that a feature gives it; of configured servers alone, so that they are few. */
  readonly outcomes: Map<string, Outcome>
  /** How many requests may run; the realms of a server share them with it. */
  readonly limitersOf: (purpose: Purpose) => Limiters
}

interface Limiters {
  sites: Limiter
  hosts: Limiter
  addresses: Limiter
}

export interface Outcome {
  status: 'ok' | 'failed'
  problem?: string
  /** ISO 8601. */
  at: string
}

export interface OutboundDeps {
  config: Pick<Config, 'outboundAllowHosts' | 'outboundTimeoutMs' | 'outboundCaPath'>
  clock: Clock
  log: Log
  /** Absent without OTEL_EXPORTER_OTLP_ENDPOINT. */
  tracing?: Pick<Tracing, 'within'> | undefined
  /** Absent without LAB. */
  recorder?: Pick<Heard, 'outbound'> | undefined
  /** The system's resolver when left out. */
  resolve?: Resolve
}

/** All addresses of the system resolver, which includes the hosts file. */
export async function systemResolve(host: string): Promise<string[]> {
  const { lookup } = await import('node:dns/promises')
  return (await lookup(host, { all: true })).map(({ address }) => address)
}

const refusal = () => new OutboundError('busy', 'is requested too often at the moment')
/**
 * Of the 64 concurrent requests of one purpose, at most 4 go to one host and 16 to one site or one address, so that one
 * slow server cannot block all, under however many names. Each purpose has limiters of its own, since a request without
 * credentials may cause those of some purposes.
 */
const hostLimits: Limits = { atOnce: 64, waiting: 512, lane: { atOnce: 4, waiting: 16 }, refusal }
const partyLimits: Limits = { atOnce: 64, waiting: 0, lane: { atOnce: 16, waiting: 0 }, refusal }
const createLimiters = (): Limiters => ({
  sites: createLimiter(partyLimits),
  hosts: createLimiter(hostLimits),
  addresses: createLimiter(partyLimits),
})
/** The number of addresses of one name that are tried. */
const mostAddresses = 3

/**
 * The authorities to trust, for the first request; undefined for those of the runtime. Reads the file OUTBOUND_CA_PATH now and
 * throws SettingFault when it cannot be used. A given list replaces Node's own authorities, so the list has both.
 */
export function authoritiesFor({ outboundCaPath: path }: Pick<Config, 'outboundCaPath'>) {
  const own = path === undefined ? undefined : readAuthorities('OUTBOUND_CA_PATH', path).pem
  return async (): Promise<readonly string[] | undefined> => {
    if (own === undefined) return undefined
    const { rootCertificates } = await import('node:tls')
    return [...rootCertificates, own]
  }
}

/**
 * Throws SettingFault when OUTBOUND_CA_PATH cannot be used. Other work waits for the first request. `host`: of the server, for
 * a realm. Copies and failures are not shared.
 */
export function createOutbound(
  { config, clock, log, tracing, recorder, resolve = systemResolve }: OutboundDeps,
  host?: Pick<Outbound, 'limitersOf'>,
): Outbound {
  const exemptions = new Set(config.outboundAllowHosts)
  const authorities = authoritiesFor(config)
  const limitersOf = host?.limitersOf ?? byPurpose(createLimiters)

  async function exchange(target: Target, options: OutboundOptions, signal: AbortSignal) {
    const ca = target.secure ? await authorities() : undefined
    const found = await untilAborted(signal, addressesOf(target, resolve))
    let last: unknown
    for (const address of found.slice(0, mostAddresses)) {
      try {
        const send = () => request(target, address, options, ca, signal)
        return await limitersOf(options.purpose).addresses.run(send, { lane: address, signal })
      } catch (error) {
        if (!neverConnected(error)) throw error
        last = error
      }
    }
    throw last
  }

  async function guarded(url: string, options: OutboundOptions): Promise<OutboundResponse> {
    const target = readTarget(url, exemptions)
    const limit = options.timeoutMs ?? config.outboundTimeoutMs
    const deadline = new AbortController()
    const late = new OutboundError('timeout', `did not answer within ${limit} ms`)
    const timer = setTimeout(() => deadline.abort(late), limit)
    try {
      const { signal } = deadline
      const { sites, hosts } = limitersOf(options.purpose)
      const toSite = () =>
        sites.run(() => exchange(target, options, signal), { lane: siteOf(target.host), signal })
      return await hosts.run(toSite, { lane: target.hostPort, signal })
    } finally {
      clearTimeout(timer)
    }
  }

  const send = async (url: string, options: OutboundOptions): Promise<OutboundResponse> => {
    try {
      return await guarded(url, options)
    } catch (thrown) {
      const error = thrown instanceof OutboundError ? thrown : unexpected(thrown)
      const host = URL.parse(url)?.host.slice(0, 200)
      log.warn('outbound_failed', {
        host,
        reason: error.reason,
        problem: error.message,
        detail: error.detail,
      })
      throw error
    }
  }
  const kept = recorder ? recorded(send, recorder) : send
  const fetch = tracing ? traced(kept, tracing) : kept
  return { fetch, ...createGetters(fetch, clock), outcomes: new Map(), limitersOf }
}

/** A request of a span says so to the other server: it learns two random numbers, and no address. */
const traced =
  (send: Outbound['fetch'], tracing: Pick<Tracing, 'within'>): Outbound['fetch'] =>
  (url, options) =>
    tracing.within(
      {
        name: options.method ?? 'GET',
        kind: 'client',
        attributes: {
          'http.request.method': options.method ?? 'GET',
          'server.address': URL.parse(url)?.host.slice(0, 200) ?? '',
          'latchkey.purpose': options.purpose,
        },
      },
      async (span) => {
        if (!span) return send(url, options)
        const headers = { ...options.headers, traceparent: span.traceparent }
        const response = await send(url, { ...options, headers })
        span.set({ 'http.response.status_code': response.status })
        return response
      },
    )

/** For example a header value that HTTP does not allow. */
const unexpected = (thrown: unknown) =>
  new OutboundError('refused', 'could not be requested', thrown instanceof Error ? thrown.message : undefined)

/** The result of `work`, or the reason of `signal` when it aborts first. The work goes on, since DNS lookups cannot be aborted. */
function untilAborted<T>(signal: AbortSignal, work: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const expire = () => reject(signal.reason as Error)
    if (signal.aborted) expire()
    signal.addEventListener('abort', expire, { once: true })
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', expire))
  })
}
