/** The files private.pem and public.pem: they show the current RS256 key and import a key of the operator. docs/walkthrough.md */
import type { KeyObject } from 'node:crypto'
import { importPem, type SigningAlg, thumbprint } from '../auth/jwk.ts'
import { readText, writeWhole } from '../store/directory.ts'
import type { KeyRing } from './key_ring.ts'
import { KeyRingError } from './signing_keys.ts'

export interface PemPaths {
  private: string
  public: string
}

const shownAlg: SigningAlg = 'RS256'

/** For `imported` of `loadKeyRing`: empty when there is no file. Rejects with KeyRingError that names the file and its fault. */
export async function readPemFile(
  path: string,
  alg: SigningAlg = shownAlg,
): Promise<{ alg: SigningAlg; key: KeyObject }[]> {
  let pem: string | undefined
  try {
    pem = await readText(path)
    return pem === undefined ? [] : [{ alg, key: importPem(pem, alg) }]
  } catch (cause) {
    throw new KeyRingError(`${path}: ${cause instanceof Error ? cause.message : String(cause)}`, { cause })
  }
}

/** The thumbprint of the key in a file; undefined when the file has no RS256 private key. */
function kidIn(pem: string): string | undefined {
  try {
    return thumbprint(importPem(pem, shownAlg).export({ format: 'jwk' }))
  } catch {
    return undefined
  }
}

/**
 * Brings both files up to date: modes 0600 and 0644, written only when they differ. A private key that the ring has
 * never had is left alone, because the next start imports it. A private key that is the next key stays, and public.pem
 * gets its public key.
 */
export async function writePemFiles(ring: KeyRing, paths: PemPaths): Promise<void> {
  const [existing, publicPem] = await Promise.all([readText(paths.private), readText(paths.public)])
  const current = ring.pem(shownAlg)
  // Reading a key takes a millisecond of a start.
  if (current !== undefined && existing === current.private && publicPem === current.public) return
  const kid = existing === undefined ? undefined : kidIn(existing)
  if (existing !== undefined && (kid === undefined || !ring.knows(kid))) return
  const isNext = ring.list().some((key) => key.kid === kid && key.state === 'next')
  const wanted = isNext ? ring.pem(shownAlg, kid) : current
  if (!wanted) return
  if (kid !== wanted.kid) await writeWhole(paths.private, wanted.private, 0o600)
  if (publicPem !== wanted.public) await writeWhole(paths.public, wanted.public, 0o644)
}
