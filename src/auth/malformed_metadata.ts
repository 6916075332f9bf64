/** The refusal of client metadata that is not in the form of its definition. https://www.rfc-editor.org/rfc/rfc7591#section-3.2.2 */
import * as v from 'valibot'
import { type Grounds, secret } from './refusal.ts'

/** Messages of a schema of ours are in our words. Those of the library begin so. */
const isOwn = ({ message }: v.BaseIssue<unknown>): boolean => !message.startsWith('Invalid ')

const quoted = /^"(.*)"$/

/** By the type of an issue of the library: what it expects, in words. `limit` is the bound of the check. */
const words: Readonly<Record<string, (limit: unknown) => string>> = {
  array: () => 'a list',
  boolean: () => 'true or false',
  number: () => 'a number',
  object: () => 'an object',
  loose_object: () => 'an object',
  string: () => 'text',
  integer: () => 'a whole number',
  max_length: (limit) => `a length of at most ${String(limit)}`,
  max_value: (limit) => `at most ${String(limit)}`,
  min_value: (limit) => `at least ${String(limit)}`,
  non_empty: () => 'a value that is not empty',
  url: () => 'a URL',
}

/** `("RS256" | "PS256")` is a list of values. */
function valuesIn(expected: string): string | undefined {
  const parts = expected.replace(/^\((.*)\)$/, '$1').split(' | ')
  const values = parts.map((each) => quoted.exec(each)?.[1])
  if (!values.every((each) => each !== undefined)) return undefined
  return values.length === 1 ? values[0] : `one of ${values.join(', ')}`
}

function expectation(issue: v.BaseIssue<unknown>, mayBeKey: boolean): string {
  const { expected, kind, received, type, requirement } = issue
  if (received === 'undefined') return 'is missing'
  const wanted = valuesIn(expected ?? '') ?? words[type]?.(requirement) ?? expected ?? 'another value'
  const came = mayBeKey || kind !== 'schema' ? '' : `, got ${quoted.exec(received)?.[1] ?? received}`
  return `expected ${wanted}${came}`
}

/**
 * Names the first wrong member. Where a JWK Set is expected, or the whole body, a private key may have come: neither the
 * value nor a message that quotes it is shown.
 */
export function malformed(issue: v.BaseIssue<unknown>): Grounds {
  const name = v.getDotPath(issue) ?? ''
  const mayBeKey = issue.kind === 'schema' && /^(?:jwks(?:\..*)?)?$/.test(name)
  const subject = name || 'the body'
  return {
    rule: 'RFC 7591 §2',
    expected: `${subject} in the form of its definition`,
    came: typeof issue.input === 'object' ? undefined : mayBeKey ? secret(issue.input) : issue.input,
    problem: `${subject}: ${mayBeKey || !isOwn(issue) ? expectation(issue, mayBeKey) : issue.message}`,
  }
}
