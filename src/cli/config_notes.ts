/** What `config check` points out beside problems and warnings: another setting that costs less (bench/README.md), and what a proxy must do. */
import type { Config } from '../config.ts'
import { goodCiphers } from '../config/tls_ciphers.ts'

/** Elliptic curves: a signature takes tens of microseconds, one of RSA half a millisecond. */
const cheap: readonly string[] = ['ES256', 'EdDSA']

/** One text each; empty when there is nothing to say. */
export const notesOn = (config: Config): string[] => [...signatures(config), ...proxy(config)]

/** What this server cannot do for itself. */
const proxy = ({ issuer, tls }: Config): string[] =>
  issuer.startsWith('https:') && tls === undefined
    ? [
        `a proxy terminates TLS for ISSUER_URL. It must offer TLS 1.3, and TLS 1.2 with ${goodCiphers.join(', ')} alone in an order of its own (FAPI 1.0 Part 2 §8.5, FAPI 2.0 §5.2.2); append the client's address to X-Forwarded-For; cache only as Cache-Control allows; take request lines and response headers of 16 KiB; and pass the path and the security headers unchanged (docs/deployment.md, "TLS")`,
      ]
    : []

function signatures({ accessTokenFormat, accessTokenAlg, signingAlgs }: Config): string[] {
  const others = cheap.filter((alg) => signingAlgs.some((allowed) => allowed === alg))
  if (accessTokenFormat !== 'jwt' || cheap.includes(accessTokenAlg) || others.length === 0) return []
  return [
    `ACCESS_TOKEN_ALG is ${accessTokenAlg}: an RSA signature takes about twenty times the CPU time of one with ${others.join(' or ')}. ID Tokens may stay with RS256 when access tokens use ${others.join(' or ')}, if the APIs that verify them support it (docs/deployment.md, "Signing algorithms")`,
  ]
}
