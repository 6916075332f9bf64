/** The notes of this API, in memory: replace it by your database. Each is kept under the subject of the token, and never under one of the request. */
const most = { people: 10_000, notes: 100, characters: 1_000 }

export interface Notes {
  of(sub: string): readonly string[]
  /** False when there is no room, or the text is none. */
  add(sub: string, text: unknown): boolean
  remove(sub: string): void
}

export function createNotes(): Notes {
  const kept = new Map<string, string[]>()
  return {
    of: (sub) => kept.get(sub) ?? [],
    add(sub, text) {
      if (typeof text !== 'string' || text === '' || text.length > most.characters) return false
      const own = kept.get(sub) ?? []
      if (own.length >= most.notes || (own.length === 0 && kept.size >= most.people)) return false
      kept.set(sub, [...own, text])
      return true
    },
    remove: (sub) => void kept.delete(sub),
  }
}
