/** Reads a text that was pasted as a token: its form, and its parts where it is a JWS or a JWE. https://www.rfc-editor.org/rfc/rfc7515#section-7.1 */
import { type HandleKind, kindOf } from '../../auth/token.ts'
import { fromBase64url, fromUtf8 } from '../../lib/bytes.ts'

export type Json = Readonly<Record<string, unknown>>

export interface Jws {
  form: 'jws'
  /** Without what was pasted around it. */
  text: string
  header: Json
  claims: Json
  /** Undefined where it is no base64url. */
  signature: Uint8Array | undefined
}

export type Pasted =
  | { form: 'empty' }
  | Jws
  | { form: 'jwe'; header: Json }
  | { form: 'handle'; kind: HandleKind | 'initial'; text: string }
  /** `problem` says what keeps it from being a token of a known form. */
  | { form: 'unknown'; problem: string }

/** Characters, whatever MAX_BODY_BYTES is. Each step below takes time in proportion to the length. */
const longestToken = 64_000

const initialPrefix = 'lki_'

/** White space of a terminal or an email, the scheme of a header, and quotes of JSON. */
function bare(text: string): string {
  const plain = text.replace(/\s+/g, ' ').trim()
  return plain
    .replace(/^authorization: /i, '')
    .replace(/^(bearer|dpop) /i, '')
    .replace(/^"(.*)"$/, '$1')
    .replaceAll(' ', '')
}

type Part = { value: Json } | { problem: string }

/** A part of a JWT as a JSON object. */
function read(name: string, part: string): Part {
  const bytes = fromBase64url(part)
  if (!bytes) return { problem: `the ${name} is not base64url without padding` }
  try {
    const value: unknown = JSON.parse(fromUtf8(bytes))
    return value && typeof value === 'object' && !Array.isArray(value)
      ? { value: value as Json }
      : { problem: `the ${name} is JSON, but no object` }
  } catch {
    return { problem: `the ${name} is no JSON in UTF-8` }
  }
}

function readJws(text: string, [first = '', second = '', third = '']: readonly string[]): Pasted {
  const [header, claims] = [read('header', first), read('payload', second)]
  if ('problem' in header) return { form: 'unknown', problem: header.problem }
  if ('problem' in claims) return { form: 'unknown', problem: claims.problem }
  return { form: 'jws', text, header: header.value, claims: claims.value, signature: fromBase64url(third) }
}

export function readPasted(given: string): Pasted {
  if (given.length > longestToken)
    return { form: 'unknown', problem: `it has ${given.length} characters, and ${longestToken} are read` }
  const text = bare(given)
  if (text === '') return { form: 'empty' }
  const kind = text.startsWith(initialPrefix) ? 'initial' : kindOf(text)
  if (kind !== undefined) return { form: 'handle', kind, text }
  const parts = text.split('.', 6)
  if (parts.length === 3) return readJws(text, parts)
  if (parts.length === 5) {
    const header = read('header', parts[0]!)
    return 'problem' in header
      ? { form: 'unknown', problem: header.problem }
      : { form: 'jwe', header: header.value }
  }
  return {
    form: 'unknown',
    problem:
      parts.length === 1
        ? 'it has no dots, so it is no JWT, and it does not begin as the handles of this provider do: lka_, lkr_, lkc_ or lki_. An opaque token of another provider says nothing to any other party'
        : `it has ${parts.length === 6 ? 'more than 5' : parts.length} parts, and a signed JWT has 3, an encrypted one 5`,
  }
}
