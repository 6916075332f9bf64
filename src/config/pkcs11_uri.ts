/** The `pkcs11:` URI of a signing key. https://www.rfc-editor.org/rfc/rfc7512 */

/** Names of attributes that say which token. */
const ofToken = ['token', 'manufacturer', 'model', 'serial'] as const
type OfToken = (typeof ofToken)[number]

export interface Pkcs11Uri {
  /** The absolute path of the library. */
  readonly module: string
  /** What the token must have. */
  readonly token: Readonly<Partial<Record<OfToken, string>>>
  readonly slot?: number
  /** CKA_LABEL of the key. */
  readonly object?: string
  /** CKA_ID of the key, in hexadecimal digits. */
  readonly id?: string
}

/** One attribute each; undefined when one is there twice, has no value or is not in the form of the RFC. */
function attributes(text: string, separator: string): Map<string, Uint8Array> | undefined {
  const found = new Map<string, Uint8Array>()
  for (const pair of text === '' ? [] : text.split(separator)) {
    const [, name, value] = /^([a-z0-9-]+)=(.*)$/s.exec(pair) ?? []
    const bytes = name === undefined || value === undefined ? undefined : percentDecoded(value)
    if (name === undefined || !bytes || bytes.length === 0 || found.has(name)) return undefined
    found.set(name, bytes)
  }
  return found
}

/** RFC 3986 §2.1. A CKA_ID may be any bytes, so this is no text yet. */
function percentDecoded(text: string): Uint8Array | undefined {
  if (!/^(?:[\w.~:[\]@!$'()*+,=/&-]|%[0-9A-Fa-f]{2})*$/.test(text)) return undefined
  const bytes: number[] = []
  for (let i = 0; i < text.length; i++) {
    if (text[i] !== '%') bytes.push(text.charCodeAt(i))
    else {
      bytes.push(Number.parseInt(text.slice(i + 1, i + 3), 16))
      i += 2
    }
  }
  return Uint8Array.from(bytes)
}

const textOf = (bytes: Uint8Array | undefined): string | undefined => {
  if (!bytes) return undefined
  const text = new TextDecoder().decode(bytes)
  return /\p{Cc}|\uFFFD/u.test(text) ? undefined : text
}

const known = new Set<string>([...ofToken, 'object', 'id', 'slot-id', 'type'])

/**
 * `text` is what follows `pkcs11:`. It must have `module-path`, and `object`, `id` or both. A PIN is no part of it (`PKCS11_PIN`).
 * Undefined for any other text.
 */
export function parsePkcs11Uri(text: string): Pkcs11Uri | undefined {
  const [path = '', query = '', ...rest] = text.split('?')
  const of = attributes(path, ';')
  const options = attributes(query, '&')
  if (rest.length > 0 || !of || !options || [...of.keys()].some((name) => !known.has(name))) return undefined
  const module = textOf(options.get('module-path'))
  if (options.size !== 1 || module === undefined || !module.startsWith('/')) return undefined
  const type = textOf(of.get('type'))
  if (type !== undefined && type !== 'private') return undefined
  const token: Partial<Record<OfToken, string>> = {}
  for (const name of ofToken) {
    if (!of.has(name)) continue
    const value = textOf(of.get(name))
    if (value === undefined) return undefined
    token[name] = value
  }
  const slotText = textOf(of.get('slot-id'))
  const slot = slotText !== undefined && /^\d{1,15}$/.test(slotText) ? Number(slotText) : undefined
  const object = textOf(of.get('object'))
  const id = of.get('id')
  const isWrong = (of.has('slot-id') && slot === undefined) || (of.has('object') && object === undefined)
  if (isWrong || (object === undefined && !id)) return undefined
  return {
    module,
    token,
    ...(slot !== undefined && { slot }),
    ...(object !== undefined && { object }),
    ...(id && { id: Buffer.from(id).toString('hex') }),
  }
}
