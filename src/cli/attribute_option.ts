/** `--attribute NAME=VALUE` and `--role NAME`: data of an organisation about an End-User beyond the standard claims. */
import { isAttributeName, isRole } from '../auth/person_claims.ts'
import { UsageError } from './failure.ts'
import { printable } from './output.ts'

export const attributeOptions = {
  attribute: {
    type: 'string',
    multiple: true,
    value: 'NAME=VALUE',
    help: 'An attribute that CUSTOM_SCOPES can show. JSON values are parsed, others are text',
  },
  role: { type: 'string', multiple: true, value: 'NAME', help: 'A role' },
} as const

export function readAttributes(given: readonly string[] = []): Record<string, unknown> {
  const read = new Map<string, unknown>()
  for (const text of given) {
    const equals = text.indexOf('=')
    const [name, value] = [text.slice(0, equals), text.slice(equals + 1)]
    if (equals < 1 || !isAttributeName(name))
      throw new UsageError(`--attribute: expected NAME=VALUE, got ${printable(text)}`)
    if (read.has(name)) throw new UsageError(`--attribute: ${name} came twice`)
    read.set(name, readValue(value))
  }
  return Object.fromEntries(read)
}

/** The value parsed as JSON, else as text. */
function readValue(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}

export function readRoles(given: readonly string[] = []): string[] {
  const odd = given.find((name) => !isRole(name))
  if (odd !== undefined) throw new UsageError(`--role: expected a name without spaces, got ${printable(odd)}`)
  return [...new Set(given)]
}
