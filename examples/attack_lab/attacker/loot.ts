/** What the attacker has got hold of, by name: the newest of each. */

export interface Loot {
  keep(name: string, value: string): void
  of(name: string): string | undefined
  /** The same, and it is forgotten. */
  take(name: string): string | undefined
}

export function createLoot(): Loot {
  const kept = new Map<string, string>()
  return {
    keep: (name, value) => void kept.set(name, value),
    of: (name) => kept.get(name),
    take(name) {
      const value = kept.get(name)
      kept.delete(name)
      return value
    },
  }
}
