/** The guarded fetcher: every request this provider makes to a URL that somebody else chose. docs/architecture.md, "Outbound requests" */
import { readFileSync } from 'node:fs'
import type { Config } from '../config.ts'
import type { Clock } from '../lib/clock.ts'
import { createLimiter, type Limits } from '../lib/limiter.ts'
import type { Log } from '../lib/log.ts'
import { OutboundError } from './error.ts'
import { createGetJson, type GetJson } from './get_json.ts'
import { neverConnected, type OutboundOptions, type OutboundResponse, request } from './request.ts'
import { addressesOf, readTarget, type Resolve, type Target } from './target.ts'

export { OutboundError } from './error.ts'
export type { OutboundOptions, OutboundResponse } from './request.ts'

export interface Outbound {
  /**
   * Any status but 3xx resolves. Rejects with OutboundError alone: a URL or address that is not allowed, a redirect,
   * too large, too slow, too many at once, unreachable.
   */
  fetch(url: string, options?: OutboundOptions): Promise<OutboundResponse>
  /** The JSON at a URL that answers 200, deeply frozen. Rejects as `fetch` does; a failure is remembered ten seconds. */
  getJson: GetJson
}

export interface OutboundDeps {
  config: Pick<Config, 'outboundAllowHosts' | 'outboundTimeoutMs' | 'outboundCaPath'>
  clock: Clock
  log: Log
  /** The system's resolver when left out. */
  resolve?: Resolve
}

/** All addresses, as the system (its hosts file included) has them. */
async function systemResolve(host: string): Promise<string[]> {
  const { lookup } = await import('node:dns/promises')
  return (await lookup(host, { all: true })).map(({ address }) => address)
}

const refusal = () => new OutboundError('busy', 'is asked too often at the moment')
/** A host that hangs holds four of the 64 places; an address that hangs, whatever its names, sixteen. */
const hostLimits: Limits = { atOnce: 64, waiting: 512, lane: { atOnce: 4, waiting: 16 }, refusal }
const addressLimits: Limits = { atOnce: 64, waiting: 0, lane: { atOnce: 16, waiting: 0 }, refusal }
/** Addresses of one name that are tried. */
const mostAddresses = 3

/** Reads OUTBOUND_CA_PATH, if set, and nothing else until the first request. Throws when that file cannot be read. */
export function createOutbound({ config, clock, log, resolve = systemResolve }: OutboundDeps): Outbound {
  const exemptions = new Set(config.outboundAllowHosts)
  const extraCa =
    config.outboundCaPath === undefined ? undefined : readFileSync(config.outboundCaPath, 'utf8')
  const hosts = createLimiter(hostLimits)
  const addresses = createLimiter(addressLimits)

  /** Node replaces its own authorities by the list it is given, so the list has both. */
  async function authorities(): Promise<readonly string[] | undefined> {
    if (extraCa === undefined) return undefined
    const { rootCertificates } = await import('node:tls')
    return [...rootCertificates, extraCa]
  }

  async function exchange(target: Target, options: OutboundOptions, signal: AbortSignal) {
    const ca = target.secure ? await authorities() : undefined
    const found = await before(signal, addressesOf(target, resolve))
    let last: unknown
    for (const address of found.slice(0, mostAddresses)) {
      try {
        const ask = () => request(target, address, options, ca, signal)
        return await addresses.run(ask, { lane: address, signal })
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
      return await hosts.run(() => exchange(target, options, signal), { lane: target.hostPort, signal })
    } finally {
      clearTimeout(timer)
    }
  }

  const fetch = async (url: string, options: OutboundOptions = {}): Promise<OutboundResponse> => {
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
  return { fetch, getJson: createGetJson(fetch, clock) }
}

/** Such as a header that HTTP cannot carry. */
const unexpected = (thrown: unknown) =>
  new OutboundError('refused', 'could not be asked', thrown instanceof Error ? thrown.message : undefined)

/** `work`, unless `signal` comes first; a resolver cannot be told to stop. */
function before<T>(signal: AbortSignal, work: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const expire = () => reject(signal.reason as Error)
    if (signal.aborted) expire()
    signal.addEventListener('abort', expire, { once: true })
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', expire))
  })
}
