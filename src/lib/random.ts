/** Randomness as it is handed round, so that tests can fix it. */

/** `bytes` random bytes as base64url; a multiple of three gives whole characters. */
export type Random = (bytes: number) => string

export const systemRandom: Random = (bytes) =>
  crypto.getRandomValues(Buffer.alloc(bytes)).toString('base64url')
