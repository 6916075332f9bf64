/** Functions that join the values of all features for one socket into one value of the table (sockets.ts). */

/** The fillings come in the order of the features; `socket` is the name for errors. */
export type Join<Filling, Joined> = (fillings: readonly Filling[], socket: string) => Joined

interface Named {
  name: string
}

/** One function or value for each feature: joined into a list. */
export const each = <T>(fillings: readonly T[]): readonly T[] => fillings

/** Lists: joined into one list. */
export const flat = <T>(fillings: readonly (readonly T[])[]): readonly T[] => fillings.flatMap((list) => list)

/** Lists of values that may repeat: joined into a set. */
export const distinct = <T>(fillings: readonly (readonly T[])[]): ReadonlySet<T> => new Set(flat(fillings))

/** Lists of items that requests select by name: joined into a map. Two items of one name fail the boot. */
export const byName = <T extends Named>(
  fillings: readonly (readonly T[])[],
  socket: string,
): ReadonlyMap<string, T> =>
  unique(
    socket,
    flat(fillings).map((item) => [item.name, item]),
  )

/** Lists of items that are used in turn: joined into one list. Two items of one name fail the boot. */
export const named = <T extends Named>(fillings: readonly (readonly T[])[], socket: string): readonly T[] => [
  ...byName(fillings, socket).values(),
]

/** As `named`, sorted by `order`, ascending. */
export const ordered = <T extends Named & { order: number }>(
  fillings: readonly (readonly T[])[],
  socket: string,
): readonly T[] => named(fillings, socket).toSorted((a, b) => a.order - b.order)

/** Declarations of members: joined into one object with all entries. Two members of one name fail the boot. */
export const members = <D extends { entries: object }>(
  fillings: readonly D[],
  socket: string,
): D['entries'] =>
  Object.fromEntries(
    unique(
      socket,
      fillings.flatMap(({ entries }) => Object.entries(entries)),
    ),
  )

function unique<T>(socket: string, entries: readonly (readonly [string, T])[]): ReadonlyMap<string, T> {
  const map = new Map<string, T>()
  for (const [name, item] of entries) {
    if (map.has(name)) throw new Error(`two features claim ${name} of ${socket}`)
    map.set(name, item)
  }
  return map
}
