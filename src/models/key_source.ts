/** What a service that keeps signing keys must offer. src/cli/key_sources/ has those that there are. */
import type { KeyObject } from 'node:crypto'

/** One version of a key of a service, by its public half. */
export interface PublicHalf {
  version: string
  key: KeyObject
}

/** One key of a service, which has versions. Errors name no secret. Each method ends in bounded time. */
export interface KeySource {
  /** As SIGNING_KEY_SOURCES names it. */
  readonly name: string
  /** The version that should sign from now on. */
  newest(): Promise<PublicHalf>
  /** Makes a new version. Absent where the operator makes each. */
  make?(): Promise<PublicHalf>
  /** The signature of this version and no other over an ASCII text, as JWS has it (RFC 7518 §3). */
  sign(version: string, input: string, timeoutMs: number): Promise<Uint8Array>
  close?(): void
}
