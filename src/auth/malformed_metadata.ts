/** The refusal of client metadata that is not in the form of its definition. https://www.rfc-editor.org/rfc/rfc7591#section-3.2.2 */
import * as v from 'valibot'
import { type Grounds, secret } from './refusal.ts'

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
    problem: `${subject}: ${mayBeKey ? `Expected ${issue.expected}` : issue.message}`,
  }
}
