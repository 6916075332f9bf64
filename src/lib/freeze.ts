/** Values that nobody can change by accident because many hold them. */

/** Freezes what is inside too; returns the same value. */
export function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value))
    for (const inner of Object.values(Object.freeze(value))) deepFreeze(inner)
  return value
}
