/** What the places of secrets share: their interface, their error, and one bounded HTTP request. */
import type { SecretReference } from '../../config/secret_reference.ts'
import type { Env } from '../../config/read.ts'
import type { Fields } from '../../config/entry.ts'
import type { secretSourceEntries } from '../../config/secret_source_variables.ts'
import { readNamed } from '../../config/named_files.ts'
import { inNetworks, loopback } from '../../lib/address.ts'
import { boundedText } from '../../lib/bounded_text.ts'
import { withoutProxy } from '../without_proxy.ts'

export interface SourceSettings extends Fields<typeof secretSourceEntries> {
  /** For names that AWS and Google define. */
  readonly env: Env
}

/** One place for one process: it may keep a session between readings. */
export interface SecretSource {
  /** The secret as text. Throws SourceError, and SettingFault for a file that a variable names. */
  read(reference: SecretReference): Promise<string>
}

/** The place did not give the secret. The message says why and names no value. */
export class SourceError extends Error {
  override readonly name = 'SourceError'
}

const mostBytes = 1_048_576

export interface Asked {
  method?: 'GET' | 'POST'
  headers?: Readonly<Record<string, string>>
  body?: string
  timeoutMs: number
  /** Certificates (PEM) beside those of the system. */
  ca?: string
  /** Addresses that may be asked without TLS, beside loopback: those of a cloud's credentials. */
  plainHosts?: readonly string[]
}

export interface Said {
  status: number
  /** Undefined when the body is not JSON. */
  json: unknown
}

/** Throws SourceError for a URL whose answer could be read on the way. */
export function requirePrivate(url: URL, plainHosts: readonly string[]): void {
  const host = url.hostname.replace(/^\[|\]$/g, '')
  const isPlain = host === 'localhost' || inNetworks(host, loopback()) || plainHosts.includes(host)
  if (url.protocol !== 'https:' && !(url.protocol === 'http:' && isPlain))
    throw new SourceError(`${url.origin} is asked with https only: a secret would be read on the way`)
}

/** Redirects are not followed: a token in a header would go with them. Throws SourceError. */
export async function ask(address: string, options: Asked): Promise<Said> {
  const url = URL.parse(address)
  if (!url) throw new SourceError(`${address} is not a URL`)
  const { timeoutMs, ca, plainHosts = [], ...init } = options
  requirePrivate(url, plainHosts)
  // HTTP_PROXY would get a request to this machine, with the token in plain text.
  const isDirect = url.protocol === 'http:'
  try {
    const answer = await fetch(url, {
      ...init,
      redirect: 'manual',
      signal: AbortSignal.timeout(timeoutMs),
      ...(isDirect && withoutProxy),
      ...(ca !== undefined && { tls: { ca } }),
    })
    const text = await boundedText(answer.body, mostBytes)
    if (text === undefined) throw new SourceError(`${url.origin} answered more than ${mostBytes} bytes`)
    return { status: answer.status, json: parsed(text) }
  } catch (error) {
    if (error instanceof SourceError) throw error
    const reason =
      error instanceof DOMException && error.name === 'TimeoutError'
        ? `did not answer within ${timeoutMs} ms`
        : `cannot be reached: ${(error as Error).message}`
    throw new SourceError(`${url.origin} ${reason}`)
  }
}

/** Undefined for text that is not JSON. */
export function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch {
    return undefined
  }
}

/** A member of an object from outside; undefined when there is none. */
export const member = (value: unknown, name: string): unknown =>
  typeof value === 'object' && value !== null && Object.hasOwn(value, name)
    ? (value as Record<string, unknown>)[name]
    : undefined

export const textMember = (value: unknown, name: string): string | undefined => {
  const found = member(value, name)
  return typeof found === 'string' ? found : undefined
}

/** Text from outside for a message: one short line. */
export const quoted = (value: unknown): string => JSON.stringify(String(value).slice(0, 200))

/** The member of a secret that the reference names, or the only one. */
export function fieldOf(secret: object, { place, field }: SecretReference): string {
  const names = Object.keys(secret)
  const name = field ?? (names.length === 1 ? names[0] : undefined)
  if (name === undefined)
    throw new SourceError(
      `${place} has ${names.length} members: name one after #, of ${quoted(names.join(', '))}`,
    )
  const value = member(secret, name)
  if (typeof value === 'string' || typeof value === 'number') return String(value)
  throw new SourceError(
    value === undefined
      ? `${place} has no member ${quoted(name)}, but ${quoted(names.join(', '))}`
      : `the member ${quoted(name)} of ${place} is not text`,
  )
}

/** The token in the file that `variable` names, without the line break after it. Throws SettingFault. */
export const tokenIn = (variable: string, path: string): string => readNamed(variable, path).trim()

/** The whole secret, or the member of the JSON object in it that the reference names. */
export function partOf(text: string, reference: SecretReference): string {
  if (reference.field === undefined) return text
  const value = parsed(text)
  if (typeof value === 'object' && value !== null) return fieldOf(value, reference)
  throw new SourceError(`${reference.place} is no JSON object: leave out the part after #`)
}
