/** Proof Key for Code Exchange. https://www.rfc-editor.org/rfc/rfc7636 */
import { check } from './check.ts'
import { equalInConstantTime } from '../lib/equal.ts'
import { sha256 } from '../lib/hash.ts'
import type { Random } from '../lib/random.ts'

const verifierPattern = /^[A-Za-z0-9._~-]{43,128}$/ // §4.1
const challengePattern = /^[A-Za-z0-9_-]{43}$/ // §4.2: SHA-256 as base64url

/** `plain` is not supported: an attacker who sees the authorization request would know the verifier (RFC 9700 §2.1.1). */
export const codeChallengeMethods = ['S256'] as const

/** A fresh verifier (43 characters) and its challenge, §4.1 and §4.2. */
export function generatePkce(random: Random): { code_verifier: string; code_challenge: string } {
  const code_verifier = random(32)
  return { code_verifier, code_challenge: sha256(code_verifier) }
}

/**
 * The challenge to store with the code, or undefined when there is none and none is required. Throws `invalid_request`
 * (§4.4.1) when it is missing, malformed, or of a method other than S256. `next`: what to do where it is missing.
 */
export function readCodeChallenge(
  params: { code_challenge?: string | undefined; code_challenge_method?: string | undefined },
  required: boolean,
  next?: string,
): string | undefined {
  const { code_challenge, code_challenge_method } = params
  check(code_challenge !== undefined || code_challenge_method === undefined, 'invalid_request', () => ({
    rule: 'RFC 7636 §4.3',
    expected: 'code_challenge beside code_challenge_method',
    problem: 'code_challenge_method came without a code_challenge',
  }))
  check(code_challenge !== undefined || !required, 'invalid_request', () => ({
    rule: 'RFC 7636 §4.4.1',
    expected: `code_challenge is ${required ? 'required' : 'optional'} (PKCE, with code_challenge_method=S256)`,
    came: code_challenge,
    next,
  }))
  if (code_challenge === undefined) return undefined
  check(code_challenge_method === 'S256', 'invalid_request', () => ({
    rule: 'RFC 7636 §4.4.1',
    expected: 'code_challenge_method must be S256',
    came: code_challenge_method ?? 'plain (the default when it is absent)',
    wanted: 'S256',
  }))
  check(challengePattern.test(code_challenge), 'invalid_request', () => ({
    rule: 'RFC 7636 §4.2',
    expected: 'code_challenge must be 43 base64url characters: the SHA-256 of the verifier',
    came: code_challenge,
  }))
  return code_challenge
}

/**
 * Whether the verifier matches the challenge that is stored with the code (§4.6). A verifier without a challenge is
 * refused: it is a sign of a downgrade attack (RFC 9700 §4.8.2).
 */
export function pkceHolds(challenge: string | undefined, verifier: string | undefined): boolean {
  if (challenge === undefined || verifier === undefined) return challenge === verifier
  return verifierPattern.test(verifier) && equalInConstantTime(sha256(verifier), challenge)
}
