/** Schemas of the values of variables. The description of a schema is also its error message. */
import { ownMember } from '../lib/own_member.ts'
import * as v from 'valibot'
import { type KeySources, keySourcesForm, readKeySources } from './key_source.ts'
import { type Network, parseNetworks } from '../lib/address.ts'
import { asciiDomain } from '../lib/ascii_domain.ts'
import { isPlainHost } from '../lib/plain_host.ts'
import type { SecretValues } from '../lib/secret_keys.ts'

/** One rule for the whole text. `parse` returns undefined for text that does not match the description. */
export function described<T>(
  description: string,
  parse: (text: string) => T | undefined,
): v.GenericSchema<string, T> {
  return v.pipe(
    v.string(),
    v.rawTransform<string, T>(({ dataset, addIssue, NEVER }) => {
      const value = parse(dataset.value)
      if (value !== undefined) return value
      addIssue({ message: `expected ${description}` })
      return NEVER
    }),
    v.description(description),
  )
}

/** Items between `separator`, without empty and repeated ones. A problem names the item. */
function list<T>(
  description: string,
  separator: RegExp,
  parse: (item: string) => T | undefined,
): v.GenericSchema<string, readonly T[]> {
  return v.pipe(
    v.string(),
    v.rawTransform<string, readonly T[]>(({ dataset, addIssue, NEVER }) => {
      const values: T[] = []
      for (const item of new Set(dataset.value.split(separator).filter(Boolean))) {
        const value = parse(item)
        if (value === undefined) {
          addIssue({ message: `expected ${description}`, input: item })
          return NEVER
        }
        values.push(value)
      }
      return values
    }),
    v.description(description),
  )
}

const whole = (unit: string, min: number, max: number) =>
  described(`${unit} from ${min} to ${max}`, (text) => {
    const value = /^(0|[1-9]\d{0,14})$/.test(text) ? Number(text) : Number.NaN
    return value >= min && value <= max ? value : undefined
  })

export const integer = (min: number, max: number) => whole('an integer', min, max)

export const levelNames = ['debug', 'info', 'warn', 'error', 'silent'] as const

/** `event=level` pairs; the event may be the words that others begin with. */
export const eventLevels = described(
  `comma-separated event=level pairs such as mail=debug,refused=warn; a level is one of ${levelNames.join(', ')}`,
  (text) => {
    const pairs = text.split(',').map((pair) => /^\s*([a-z][a-z_]*)\s*=\s*([a-z]+)\s*$/.exec(pair))
    const levels: Record<string, (typeof levelNames)[number]> = {}
    for (const pair of pairs) {
      const level = levelNames.find((name) => name === pair?.[2])
      if (!pair || level === undefined) return undefined
      levels[pair[1]!] = level
    }
    return levels
  },
)

/** A part of a whole. */
export const ratio = described('a number from 0 to 1', (text) =>
  /^(?:0|1|[01]?\.\d{1,9})$/.test(text) && Number(text) <= 1 ? Number(text) : undefined,
)

/** A duration, always in whole seconds. */
export const seconds = (min: number, max: number) => whole('whole seconds', min, max)

const truths: Readonly<Record<string, boolean>> = {
  true: true,
  yes: true,
  1: true,
  false: false,
  no: false,
  0: false,
}

export const boolean = described('true or false (also yes, no, 1, 0)', (text) => {
  const word = text.toLowerCase()
  return ownMember(truths, word)
})

export const truthOr = <const Word extends string>(other: Word) =>
  described(`true or false (also yes, no, 1, 0), or ${other}`, (text) => {
    if (text === other) return other
    const is = ownMember(truths, text.toLowerCase())
    return is === undefined ? undefined : (`${is}` as const)
  })

export const oneOf = <const Word extends string>(...words: readonly Word[]) =>
  described(`one of ${words.join(', ')}`, (text) => words.find((word) => word === text))

export const path = described('a path', (text) => (text.includes('\0') ? undefined : text))

export const host = described('a host name or an IP address', (text) =>
  /^[A-Za-z0-9.:-]+$/.test(text) ? text : undefined,
)

const httpUrl = (text: string): URL | undefined => {
  const url = /^https?:\/\/[^\s\\]+$/i.test(text) ? URL.parse(text) : null
  // The URL standard allows the host `*.example`, but no browser sends it and origins are not matched by pattern.
  const plain = url && isPlainHost(url.hostname.replaceAll('_', '-'))
  return plain && !url.username && !url.password ? url : undefined
}

/** OpenID Connect Discovery §3: no query, no fragment. RFC 9207 compares issuers as strings, hence one spelling. */
export const issuer = described('an http or https URL without user, query or fragment', (text) => {
  const url = /[?#]/.test(text) ? undefined : httpUrl(text)
  return url && `${url.origin}${url.pathname.replace(/\/+$/, '')}`
})

/** The issuer of another provider, character by character: `https://x` and `https://x/` are two (Discovery §4.3). */
export const foreignIssuer = described('an http or https URL without user, query or fragment', (text) =>
  !/[?#]/.test(text) && httpUrl(text) ? text : undefined,
)

export const webUrl = described('an http or https URL without user or fragment', (text) =>
  text.includes('#') ? undefined : httpUrl(text)?.href,
)

/** For `outbound` of an entry whose value is a URL, or has URLs in it. */
export const urlsIn = (value: unknown): readonly string[] => {
  if (typeof value === 'string') return /^https?:/i.test(value) ? [value] : []
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(urlsIn) : []
}

/** `name=value` pairs as OTEL_EXPORTER_OTLP_HEADERS writes them: W3C Baggage §3.3.1.1. */
export const headerList = described(
  'comma-separated name=value pairs, percent-encoded, such as authorization=Bearer%20x',
  (text) => {
    const pairs = text.split(',').map((pair) => /^\s*([\w!#$&'*+.^`|~-]+)\s*=\s*(\S*)\s*$/.exec(pair))
    try {
      const headers = pairs.map((pair): [string, string] => [pair![1]!, decodeURIComponent(pair![2]!)])
      return headers.every(([, value]) => /^[\x20-\x7e]*$/.test(value))
        ? Object.fromEntries(headers)
        : undefined
    } catch {
      return undefined
    }
  },
)

export const audience = described('a name or URL without spaces', (text) =>
  /^\S+$/.test(text) ? text : undefined,
)

export const origins = list('comma-separated origins such as https://app.example, or *', /[\s,]+/, (item) =>
  item === '*' || httpUrl(item)?.origin === item ? item : undefined,
)

const hostPorts = 'comma-separated host:port pairs such as localhost:8443 or [::1]:8443'

/** In the spelling of `URL`: lower case, IP addresses in canonical form. */
export const hostPortList = v.pipe(
  list(hostPorts, /[\s,]+/, (item) => {
    const [, host, port] = /^(\[[\da-f:.]+\]|[\w.-]+):(\d{1,5})$/i.exec(item) ?? []
    const url = host === undefined ? null : URL.parse(`http://${host}`)
    return url && Number(port) > 0 && Number(port) <= 65_535 ? `${url.hostname}:${Number(port)}` : undefined
  }),
  v.description(hostPorts),
)

const networkList = 'comma-separated IP addresses, CIDR networks, loopback or private'
export const networks = v.pipe(
  list(networkList, /[\s,]+/, (item) => {
    try {
      return parseNetworks(item)
    } catch {
      return undefined
    }
  }),
  v.transform((items): readonly Network[] => items.flat()),
  v.description(networkList),
)

/** RFC 6749 §3.3 scope-token; names of grant types match it too. */
export const words = list('space-separated names', /\s+/, (item) =>
  /^[\x21\x23-\x5b\x5d-\x7e]+$/.test(item) ? item : undefined,
)

/** Attributes that grant rights or impose duties. End-Users must not edit them. */
const restricted = ['roles', 'second_factor']
const attributesText = 'space-separated names of attributes, roles and second_factor not among them'

export const editableAttributes = v.pipe(
  words,
  v.check((names) => !names.some((name) => restricted.includes(name)), `expected ${attributesText}`),
  v.description(attributesText),
)

export const domain = described('a domain such as example.com', (text) => {
  const ascii = asciiDomain(text)
  return /^(?:localhost|[a-z0-9-]+(?:\.[a-z0-9-]+)+)$/.test(ascii) ? ascii : undefined
})

export const domains = list(
  'domains such as example.com, separated by spaces or commas',
  /[\s,]+/,
  (item) => {
    const domain = asciiDomain(item)
    return domain.includes('.') ? domain : undefined
  },
)

export const someOf = <const Word extends string>(...known: readonly Word[]) =>
  list(`space-separated, among ${known.join(', ')}`, /\s+/, (item) => known.find((word) => word === item))

/** Issuers and their public keys: pairs of issuer and jwks_uri. */
export const keySources: v.GenericSchema<string, KeySources> = v.pipe(
  v.string(),
  v.rawTransform<string, KeySources>(({ dataset, addIssue, NEVER }) => {
    const read = readKeySources(dataset.value)
    if (!('problem' in read)) return read
    addIssue({ message: read.problem, input: read.came })
    return NEVER
  }),
  v.description(keySourcesForm),
)

export const issuersWithKeys = list(
  'space-separated issuer=jwks_uri pairs, jwks_uri with https',
  /\s+/,
  (item): readonly [issuer: string, jwksUri: string] | undefined => {
    const [, issuer, jwksUri] = /^([^=]+)=(https:.*)$/.exec(item) ?? []
    return issuer !== undefined && jwksUri !== undefined && httpUrl(jwksUri) ? [issuer, jwksUri] : undefined
  },
)

/** For `outbound` of such an entry: an issuer is a name, its jwks_uri is requested. */
export const jwksUrisIn = (value: unknown): readonly string[] =>
  (value as readonly (readonly [string, string])[]).map(([, jwksUri]) => jwksUri)

/** RFC 6750 §2.1: the characters of a bearer token. */
export const bearer = (min: number) =>
  described(`at least ${min} characters of A-Z a-z 0-9 - . _ ~ + /`, (text) =>
    text.length >= min && /^[\w\-.~+/]+=*$/.test(text) ? text : undefined,
  )

export const text = described('text', (value) => value)

const Several = v.pipe(
  v.tupleWithRest([v.pipe(v.string(), v.nonEmpty())], v.pipe(v.string(), v.nonEmpty())),
  v.maxLength(5),
  v.check((values) => new Set(values).size === values.length),
)

/**
 * One value, or a JSON array of up to five: the first and former ones. Any text that does not begin as such an array is one
 * value as it is, so that a value from before may contain spaces, commas and line breaks.
 */
export const secretValues = described(
  'a text, or a JSON array of one to five different texts, the one that seals first',
  (value): SecretValues | undefined => {
    if (!/^\s*\[\s*"/.test(value)) return [value]
    try {
      const read = v.safeParse(Several, JSON.parse(value))
      return read.success ? read.output : undefined
    } catch {
      return undefined
    }
  },
)

export type StoreLocation =
  | { readonly kind: 'memory' }
  | { readonly kind: 'sqlite'; readonly path: string }
  | { readonly kind: 'redis'; readonly url: string }
  | { readonly kind: 'postgres'; readonly url: string }

const redisPattern = /^(redis|rediss)(\+sentinel|\+cluster)?:\/\/[^\s/?#]+([/?#]\S*)?$/
const redisText = 'a URL that begins redis:// or rediss:// (TLS; also with +sentinel or +cluster)'

export const redisUrl = described(redisText, (url) => (redisPattern.test(url) ? url : undefined))

/** `sqlite://x` is refused: it would be a file in the root directory, which is a mistake. */
export const storeUrl = described<StoreLocation>(
  `memory:, sqlite:PATH, postgres://…, or ${redisText}`,
  (url) => {
    if (url === 'memory:') return { kind: 'memory' }
    if (/^sqlite:(?!\/\/[^/]).+$/.test(url)) return { kind: 'sqlite', path: url.slice('sqlite:'.length) }
    if (/^postgres(ql)?:\/\/\S+$/.test(url)) return { kind: 'postgres', url }
    return redisPattern.test(url) ? { kind: 'redis', url } : undefined
  },
)
