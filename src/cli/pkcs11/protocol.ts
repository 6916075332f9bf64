/** What the server and the process of a PKCS#11 library say to each other: JSON lines. */
import type { SigningAlg } from '../../auth/jwk.ts'
import type { KeyName, TokenPlace } from './token.ts'

/** The word by which main.ts knows this process. It is no command. */
export const processWord = 'pkcs11-process'

export type Request =
  | { id: number; open: TokenPlace }
  | { id: number; keys: KeyName; alg: SigningAlg }
  | { id: number; sign: KeyName; alg: SigningAlg; input: string }

/** `lost`: the session with the token ended, and a new process can begin another. `refused`: the PIN was not taken. */
export interface Failure {
  id: number
  problem: string
  kind: 'refused' | 'lost' | 'failed'
}
