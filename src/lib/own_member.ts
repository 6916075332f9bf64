/** Reads a map whose key comes from outside: names that every object inherits (`constructor`, `__proto__`) are no members. */
export const ownMember = <Value>(map: Readonly<Record<string, Value>>, key: string): Value | undefined =>
  Object.hasOwn(map, key) ? map[key] : undefined
