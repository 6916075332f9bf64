/** What is valid once: the store remembers that it was used. What was issued before the store lost records is refused. docs/decisions/0071-birth-marks.md */
import type { Store } from '../store/store.ts'
import type { Birth, Since } from './birth.ts'

/** The problem of something that is valid once; undefined for the one caller that uses it first. */
export type OnceProblem = 'used' | 'lost' | undefined

/** In seconds: when it was issued, or the earliest that it can have been. */
export type Issued = { at: number } | { notBefore: number }

export const issuedAt = (iat: number | undefined, notBefore: number): Issued =>
  iat === undefined ? { notBefore } : { at: iat }

/** `ttl` in milliseconds. */
export async function useOnce(
  { store, birth }: { store: Pick<Store, 'create'>; birth: Birth },
  key: string,
  ttl: number,
  issued: Issued,
): Promise<OnceProblem> {
  const [isFirst, since] = await Promise.all([store.create(key, '', ttl), birth.since()])
  if (!isFirst) return 'used'
  return isLost(issued, since) ? 'lost' : undefined
}

/** Whether the store may have lost the record of its use. */
export const isLost = (issued: Issued, since: Since): boolean =>
  'at' in issued ? issued.at < since.dated : issued.notBefore < since.undated

/** For a refusal. */
export const onceWords = (what: string, problem: 'used' | 'lost'): string =>
  problem === 'used'
    ? `${what} was used before`
    : `${what} is from before the store lost records, so that its use may be forgotten: make a new one`
