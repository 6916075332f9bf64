/** The walkthrough's private.pem and public.pem: the current RS256 key, and the way to bring one's own. docs/walkthrough.md */
import type { KeyObject } from 'node:crypto'
import { importPem, type SigningAlg, thumbprint } from '../auth/jwk.ts'
import { readText, writeWhole } from '../store/directory.ts'
import type { KeyRing } from './key_ring.ts'
import { KeyRingError } from './signing_keys.ts'

export interface PemPaths {
  private: string
  public: string
}

/** The algorithm these files are for. */
const alg: SigningAlg = 'RS256'

/** For `imported` of `loadKeyRing`: empty when there is no file. Rejects with KeyRingError naming the file and what is wrong. */
export async function readPemFile(path: string): Promise<{ alg: SigningAlg; key: KeyObject }[]> {
  let pem: string | undefined
  try {
    pem = await readText(path)
    return pem === undefined ? [] : [{ alg, key: importPem(pem, alg) }]
  } catch (cause) {
    throw new KeyRingError(`${path}: ${cause instanceof Error ? cause.message : String(cause)}`, { cause })
  }
}

/** The thumbprint of the key in a file; undefined when it holds none that we could use. */
function kidIn(pem: string): string | undefined {
  try {
    return thumbprint(importPem(pem, alg).export({ format: 'jwk' }))
  } catch {
    return undefined
  }
}

/**
 * Brings both files up to date: 0600 and 0644, written only when they differ. A file whose key the ring has never seen
 * is somebody's, to be imported at the next start; one whose key waits to take over stays, and gets its public half.
 */
export async function writePemFiles(ring: KeyRing, paths: PemPaths): Promise<void> {
  const there = await readText(paths.private)
  const kid = there === undefined ? undefined : kidIn(there)
  if (there !== undefined && (kid === undefined || !ring.knows(kid))) return
  const waits = ring.list().some((key) => key.kid === kid && key.state === 'next')
  const wanted = ring.pem(alg, waits ? kid : undefined)
  if (!wanted) return
  if (kid !== wanted.kid) await writeWhole(paths.private, wanted.private, 0o600)
  const publicPem = await readText(paths.public)
  if (publicPem !== wanted.public) await writeWhole(paths.public, wanted.public, 0o644)
}
