/** How the fillings of one socket, one of each feature, become one value of the table: the kinds of rows in sockets.ts. */

/** The fillings come in the order of the features; `socket` says in an error which one it was. */
export type Join<Filling, Joined> = (fillings: readonly Filling[], socket: string) => Joined

interface Named {
  name: string
}

/** A function or a value of each feature: a list. */
export const each = <T>(fillings: readonly T[]): readonly T[] => fillings

/** Lists: one list. */
export const flat = <T>(fillings: readonly (readonly T[])[]): readonly T[] => fillings.flatMap((list) => list)

/** Lists of values that may be said twice: a set. */
export const distinct = <T>(fillings: readonly (readonly T[])[]): ReadonlySet<T> => new Set(flat(fillings))

/** Lists of what requests are dispatched to by name: a map. Two of one name fail the boot. */
export const byName = <T extends Named>(
  fillings: readonly (readonly T[])[],
  socket: string,
): ReadonlyMap<string, T> =>
  unique(
    socket,
    flat(fillings).map((item) => [item.name, item]),
  )

/** Lists of what is asked in turn: a list. Two of one name fail the boot. */
export const named = <T extends Named>(fillings: readonly (readonly T[])[], socket: string): readonly T[] => [
  ...byName(fillings, socket).values(),
]

/** As `named`, ascending by `order` and not in the order of the features. */
export const ordered = <T extends Named & { order: number }>(
  fillings: readonly (readonly T[])[],
  socket: string,
): readonly T[] => named(fillings, socket).toSorted((a, b) => a.order - b.order)

/** Declarations of members: one object with the entries of all. Two members of one name fail the boot. */
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
