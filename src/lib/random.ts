/** Randomness as it is handed round, so that tests can fix it. */

/**
 * `bytes` random bytes as base64url; a multiple of three gives whole characters. Never begins with a dash: a client_id
 * that looks like an option cannot be typed behind a command.
 */
export type Random = (bytes: number) => string

export function systemRandom(bytes: number): string {
  for (;;) {
    const text = crypto.getRandomValues(Buffer.alloc(bytes)).toString('base64url')
    if (!text.startsWith('-')) return text // of 64 draws one is drawn again: a fortieth of a bit
  }
}
