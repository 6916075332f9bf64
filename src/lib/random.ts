/** The source of randomness that is passed in, so that tests can choose it. */

/**
 * `bytes` random bytes as base64url; a multiple of three gives whole characters. Never begins with a dash, because a
 * command would read such a client_id as an option.
 */
export type Random = (bytes: number) => string

export function systemRandom(bytes: number): string {
  for (;;) {
    const text = crypto.getRandomValues(Buffer.alloc(bytes)).toString('base64url')
    if (!text.startsWith('-')) return text // one of 64 draws is repeated, which costs a fortieth of a bit of entropy
  }
}
