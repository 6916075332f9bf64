/** What `scripts/keep_data.ts` keeps of a version beside its stores: all that an End-User or a client of then still has. */
import { createPrivateKey, type KeyObject } from 'node:crypto'
import type { TestClient } from './client.ts'
import type { Credential } from './security_key.ts'

export interface Known {
  version: string
  /** Milliseconds: when the server of that version was stopped. */
  stopped_at: number
  env: Record<string, string>
  /** Cookies of a browser that is signed in as Alice, and of one that was signed out. */
  cookies: Record<string, string>
  ended_cookies: Record<string, string>
  /** Of the demo client, for Alice: never used, used once, and revoked. */
  refresh_token: string
  used_refresh_token: string
  next_refresh_token: string
  revoked_refresh_token: string
  access_token: string
  id_token: string
  /** Of Alice: the passkey. */
  passkey: { id: string; key: object; userHandle: string; rpId: string; counter: number }
  /** Of Bob: the seed of the authenticator app, and codes that were not used. */
  seed: string
  recovery_codes: string[]
  /** A client that registered itself. */
  registered: TestClient
  registration_access_token: string
}

export const keptCredential = ({ id, key, userHandle, rpId, counter }: Known['passkey']): Credential => ({
  id: Buffer.from(id, 'base64url'),
  key: createPrivateKey({ key, format: 'jwk' }),
  cose: Buffer.alloc(0), // for a registration alone
  ...{ userHandle, rpId, counter },
})

export const keepCredential = ({ id, key, userHandle, rpId, counter }: Credential): Known['passkey'] => ({
  id: id.toString('base64url'),
  key: (key as KeyObject).export({ format: 'jwk' }) as object,
  ...{ userHandle, rpId, counter },
})
