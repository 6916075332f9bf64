/** Choices that `config check` points out: each setting is sound, and another one costs less. bench/README.md */
import type { Config } from '../config.ts'

/** Elliptic curves: a signature takes tens of microseconds, one of RSA half a millisecond. */
const cheap: readonly string[] = ['ES256', 'EdDSA']

/** One sentence each; empty when there is nothing to choose. */
export function notesOn({ accessTokenFormat, accessTokenAlg, signingAlgs }: Config): string[] {
  const others = cheap.filter((alg) => signingAlgs.some((allowed) => allowed === alg))
  if (accessTokenFormat !== 'jwt' || cheap.includes(accessTokenAlg) || others.length === 0) return []
  return [
    `ACCESS_TOKEN_ALG is ${accessTokenAlg}: an RSA signature takes about twenty times the CPU time of one with ${others.join(' or ')}. ID Tokens may stay with RS256 when access tokens use ${others.join(' or ')}, if the APIs that verify them support it (docs/deployment.md, "Signing algorithms")`,
  ]
}
