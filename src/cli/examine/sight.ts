/** What the checks of `latchkey examine` look at: the provider through the guarded fetcher, its metadata, its keys and a test client. */
import type { CryptoKey, JWK } from 'jose'
import { ownMember } from '../../lib/own_member.ts'
import type { Handshake } from '../../outbound/connect.ts'
import type { OutboundOptions, OutboundResponse } from '../../outbound/outbound.ts'
import { NotExamined } from './not_examined.ts'

export type Json = Record<string, unknown>

export interface Answered extends OutboundResponse {
  /** The body as a JSON object; undefined for anything else. */
  json: Json | undefined
  /** Milliseconds until the whole answer was there. */
  ms: number
  /** Milliseconds since the epoch, in the middle of the request. */
  at: number
}

export type Asking = Omit<OutboundOptions, 'purpose'>

/** The reach of an examination: what a test gives in its place. */
export interface Reach {
  fetch(url: string, options: OutboundOptions): Promise<OutboundResponse>
  /** Undefined without TLS. */
  handshake(newest?: 'TLSv1.1'): Promise<Handshake | undefined>
  now(): number
  /** Until the provider takes requests again, where it limits them. */
  wait(seconds: number): Promise<void>
}

export interface TestClient {
  client_id: string
  /** Undefined for a public client. */
  client_secret: string | undefined
  /** Undefined where no authorization request can be examined. */
  redirect_uri: string | undefined
  /** `client_secret_basic` unless the registration says another. */
  method?: string
  /** In place of a secret: `private_key_jwt`. */
  key?: ClientKey
  /** Tokens are bound to it. */
  dpop?: DpopKey
}

export interface ClientKey {
  alg: string
  kid: string | undefined
  key: CryptoKey
}

export interface DpopKey {
  key: CryptoKey
  jwk: JWK
}

export interface Sight {
  readonly issuer: string
  /** Of OpenID Connect Discovery, or of RFC 8414 where the provider has no other. Empty where there is none. */
  readonly metadata: Json
  /** Where it is. */
  readonly metadataUrl: string
  readonly discovery: Answered
  /** Undefined where the provider has none. */
  readonly oauthMetadata: Answered | undefined
  readonly client: TestClient | undefined
  readonly reach: Reach
  /** By what was requested. */
  readonly latency: Map<string, number>
  /** A redirect is an answer. The same GET is sent once. */
  ask(url: string, options?: Asking): Promise<Answered>
  /** Throws NotExamined where the metadata names none. */
  endpoint(name: string): string
  /** The keys of `jwks_uri`. Throws NotExamined where there is no JWK Set. */
  keys(): Promise<readonly Json[]>
}

function parse(text: string): Json | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return value && typeof value === 'object' && !Array.isArray(value) ? (value as Json) : undefined
  } catch {
    return undefined
  }
}

/** `https://host/path` has its document of RFC 8414 at `https://host/.well-known/oauth-authorization-server/path` (§3.1). */
const oauthDocument = (issuer: string): string => {
  const { origin, pathname } = new URL(issuer)
  return `${origin}/.well-known/oauth-authorization-server${pathname.replace(/\/$/, '')}`
}

const maxBytes = 1_048_576
/** Seconds. */
const longestWait = 65

function secondsToWait({ headers }: Answered): number {
  const asked = Number(headers['retry-after'] ?? Number.NaN)
  return asked >= 0 && asked <= longestWait ? asked : longestWait
}

function asker(reach: Reach, latency: Map<string, number>): Sight['ask'] {
  const gets = new Map<string, Promise<Answered>>()
  const send = async (url: string, options: Asking): Promise<Answered> => {
    const [begun, at] = [performance.now(), reach.now()]
    const answer = await reach.fetch(url, {
      maxBytes,
      withRedirects: true,
      ...options,
      purpose: 'examination',
    })
    const ms = Math.round(performance.now() - begun)
    latency.set(`${options.method ?? 'GET'} ${new URL(url).pathname}`, ms)
    return { ...answer, json: parse(answer.body), ms, at: at + ms / 2 }
  }
  /** A provider that still refuses after the wait is not waited for again: there are many requests. */
  let waitedInVain = false
  const patient = async (url: string, options: Asking): Promise<Answered> => {
    const first = await send(url, options)
    if (first.status !== 429) return first
    if (!waitedInVain) {
      await reach.wait(secondsToWait(first))
      const second = await send(url, options)
      if (second.status !== 429) return second
      waitedInVain = true
    }
    throw new NotExamined('the provider limits requests (429)')
  }
  return (url, options = {}) => {
    if (options.method !== undefined && options.method !== 'GET') return patient(url, options)
    const key = JSON.stringify([url, options.headers, options.accept])
    const asked = gets.get(key) ?? patient(url, options)
    gets.set(key, asked)
    return asked
  }
}

/** Asks for the metadata. Rejects with OutboundError where the provider does not answer. */
export async function look(issuer: string, reach: Reach): Promise<Sight> {
  const latency = new Map<string, number>()
  const ask = asker(reach, latency)
  const openidUrl = `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`
  const discovery = await ask(openidUrl)
  const asked = await ask(oauthDocument(issuer))
  const oauthMetadata = asked.status === 200 && asked.json ? asked : undefined
  const metadata = (discovery.status === 200 ? discovery.json : undefined) ?? oauthMetadata?.json ?? {}
  const endpoint = (name: string): string => {
    const url = ownMember(metadata, name)
    if (typeof url !== 'string') throw new NotExamined(`the metadata has no ${name}`)
    return url
  }
  return {
    issuer,
    metadata,
    metadataUrl: discovery.status === 200 || !oauthMetadata ? openidUrl : oauthDocument(issuer),
    discovery,
    oauthMetadata,
    client: undefined,
    reach,
    latency,
    ask,
    endpoint,
    async keys() {
      const { json } = await ask(endpoint('jwks_uri'))
      const keys = json?.keys
      if (!Array.isArray(keys)) throw new NotExamined('jwks_uri answers no JWK Set')
      return keys.filter((key): key is Json => typeof key === 'object' && key !== null)
    },
  }
}

/** The texts of a list of the metadata; undefined where the member is not there. */
export function listed({ metadata }: Sight, name: string): readonly string[] | undefined {
  const value = ownMember(metadata, name)
  return Array.isArray(value) ? value.filter((each): each is string => typeof each === 'string') : undefined
}
