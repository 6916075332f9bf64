/** Masks the secrets of a recorded exchange. A mask has a mark by which a reader sees that two values are one, and from which the value cannot be found. */
import { hmac } from '../../lib/hash.ts'
import { mapText } from './map_text.ts'
import { readToken } from './read_token.ts'
import { isPlainParameter, isSecretHeader, isSecretMember } from './secret_names.ts'
import type { ReadToken } from './recorded.ts'

/** Characters of one value, and of a body. */
const longestValue = 2_000
const longestBody = 16_000

const clip = (text: string, longest: number): string =>
  text.length > longest ? `${text.slice(0, longest)}… (${text.length} characters)` : text

/** Three or five parts of base64url: JWS and JWE. It begins where a run of such characters does, so that each is read once. */
const jwt = /(?<![\w-])(eyJ[\w-]{4,})\.([\w-]*)\.([\w-]*)(\.[\w-]+\.[\w-]+)?/g
/** Codes and tokens of this provider (auth/token.ts). */
const handle = /(?<![\w-])lk[a-z]_[\w-]{20,}/g

const json = /^application\/(?:[\w.+-]+\+)?json\b/i
const form = /^application\/x-www-form-urlencoded\b/i

/** A button of this provider sends its own name. A password that is the word password stays masked. */
const isButton = (name: string, text: string): boolean => text === name && !isSecretMember(name)

/** A text without its secrets. One for each exchange: what was masked once is masked wherever it comes again. */
export interface Mask {
  value(text: string): string
  secret(text: string): string
  /** The value of a parameter of a query or a form. */
  parameter(name: string, text: string): string
  url(url: string): string
  headers(headers: readonly (readonly [string, string])[]): [string, string][]
  body(text: string, contentType: string): string
  /** From then on the value of this parameter is a secret, too: a secret came where a name belongs. */
  suspect(name: string): void
  /** The tokens that were found, by the name of their parameter. */
  readonly tokens: { where: string; token: ReadToken }[]
  /** A function that takes out of a text what was found to be a secret until now. */
  again(): (text: string) => string
}

/** A secret shorter than this may be any word, and is not looked for elsewhere. */
const shortest = 8

/** Secrets of one exchange that are looked for elsewhere: each costs a search of the whole exchange. */
const mostFound = 1_000

/** A text as it is, in JSON, in a URL and in a form. Half of a surrogate pair has no form in a URL. */
const spellings = (text: string): string[] => {
  const inUrl = encodeURIComponent(text.toWellFormed())
  return [text, JSON.stringify(text).slice(1, -1), inUrl, inUrl.replaceAll('%20', '+')]
}

/** `key` is random, and of this process alone. With `showing`, nothing is masked. */
export function createMask(key: Uint8Array, showing: boolean): Mask {
  const found = new Map<string, string>()
  const tokens: Mask['tokens'] = []
  const suspected = new Set<string>()

  /** The mark has 16 bits: enough to tell values of a flow apart, too few to confirm a guess. */
  const secret = (text: string): string => {
    if (showing || text === '') return clip(text, longestValue)
    const masked = `[masked ${Buffer.from(hmac(key, text), 'base64url').toString('hex').slice(0, 4)}]`
    if (text.length >= shortest && found.size < mostFound)
      for (const each of spellings(text)) found.set(each, masked)
    return masked
  }
  /** A JWT without its signature still says what it is; a JWE says nothing. */
  const scrub = (text: string): string =>
    showing
      ? text
      : text
          .replace(jwt, (whole, head: string, payload: string, last: string, more?: string) =>
            more === undefined ? `${head}.${payload}.${last === '' ? '' : secret(last)}` : secret(whole),
          )
          .replace(handle, secret)
  const note = (where: string, text: string): void => {
    const token = readToken(text)
    if (token && tokens.length < 20) tokens.push({ where, token })
  }
  const parameter = (name: string, text: string): string => {
    note(name, text)
    if (jwtAlone.test(text)) return clip(scrub(text), longestValue)
    const isPlain = isPlainParameter(name) || isButton(name, text)
    return isPlain && !suspected.has(name) ? clip(scrub(text), longestValue) : secret(text)
  }
  const parameters = (text: string): string =>
    text
      .split('&')
      .slice(0, 200)
      .map((pair) => {
        const equals = pair.indexOf('=')
        if (equals < 0) return pair === '' ? '' : secret(pair)
        const name = pair.slice(0, equals)
        const given = pair.slice(equals + 1)
        const decoded = decode(given)
        const shown = parameter(decode(name), decoded)
        const named = given === '' && !isPlainParameter(name) ? secret(name) : clip(name, 200)
        return `${named}=${shown === decoded ? given : shown}`
      })
      .join('&')
  const url = (text: string): string => {
    const [, base = '', query, fragment] = /^([^?#]*)(?:\?([^#]*))?(?:#(.*))?$/s.exec(text) ?? []
    const marked = (sign: string, part: string | undefined) =>
      part === undefined ? '' : sign + parameters(part)
    const plainBase = base.replace(/^([a-z][\w+.-]*:\/\/)[^/@]*@/i, '$1[masked]@')
    return clip(`${scrub(plainBase)}${marked('?', query)}${marked('#', fragment)}`, longestBody)
  }
  const member = (value: string, name: string): string => {
    note(name, value)
    if (jwtAlone.test(value)) return scrub(value)
    if (isSecretMember(name)) return secret(value)
    if (name === 'error_uri') return clip(scrub(value), longestValue) // it names the request
    return /^https?:\/\//.test(value) ? url(value) : clip(scrub(value), longestValue)
  }
  const cookies = (text: string): string =>
    text
      .split(/; */)
      .map((pair) =>
        pair.replace(/^([^=]*)=(.*)$/s, (_, name: string, value: string) => `${name}=${secret(value)}`),
      )
      .join('; ')
  const header = (name: string, value: string): string => {
    if (showing) return clip(value, longestValue)
    if (name === 'cookie') return clip(cookies(value), longestValue)
    if (name === 'set-cookie') {
      const end = value.indexOf(';')
      return end < 0 ? cookies(value) : cookies(value.slice(0, end)) + value.slice(end)
    }
    if (name === 'authorization') return authorization(value)
    if (name === 'location' || name === 'referer') return url(value)
    return isSecretHeader(name) ? secret(value) : clip(scrub(value), longestValue)
  }
  const authorization = (value: string): string => {
    const [, scheme = '', rest = ''] = /^(\S+) +(.*)$/s.exec(value) ?? []
    if (rest === '') return secret(value)
    note('Authorization', rest)
    if (scheme.toLowerCase() !== 'basic')
      return `${scheme} ${jwtAlone.test(rest) ? scrub(rest) : secret(rest)}`
    secret(rest)
    const text = Buffer.from(rest, 'base64').toString()
    const end = text.indexOf(':')
    return end < 0
      ? `${scheme} ${secret(rest)}`
      : `${scheme} ${parameter('client_id', text.slice(0, end))}:${secret(text.slice(end + 1))}`
  }

  return {
    tokens,
    suspect: (name) => void suspected.add(name),
    secret,
    parameter,
    url,
    value: (text) => clip(scrub(text), longestValue),
    headers: (headers) =>
      [...headers].slice(0, 100).map(([name, value]) => [name, header(name.toLowerCase(), value)]),
    body(text, contentType) {
      if (form.test(contentType)) return clip(parameters(text.slice(0, longestBody)), longestBody)
      if (json.test(contentType) || /^[[{]/.test(text)) {
        const value = parseJson(text)
        return value === undefined
          ? secret(text)
          : clip(JSON.stringify(mapText(value, { text: member }), undefined, 2), longestBody)
      }
      if (jwtAlone.test(text.trim())) {
        note('body', text.trim())
        return clip(scrub(text), longestBody)
      }
      return secret(text)
    },
    again() {
      // The longest first: a secret may be a part of another one.
      const all = [...found].toSorted(([a], [b]) => b.length - a.length)
      return (text) => {
        let plain = text
        for (const [value, masked] of all)
          if (plain.includes(value)) plain = plain.replaceAll(value, () => masked)
        return plain
      }
    },
  }
}

const jwtAlone = /^eyJ[\w-]+\.[\w-]*\.[\w-]*$/

function decode(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '))
  } catch {
    return text
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
