/** The issuer of a trail: that under which it began, also when ISSUER_URL has changed since. docs/audit.md */
import type { Checkpoint } from './checkpoint.ts'

/** `newest`: the newest checkpoint that a key of this provider signed. `issuer`: that of a trail without any. */
export const trailIssuer = (newest: { checkpoint: Checkpoint } | undefined, issuer: string): string =>
  newest?.checkpoint.iss ?? issuer
