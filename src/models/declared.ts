/** Records to which features add members: the type of the record has the members of the core, a declaration types the others. */
import * as v from 'valibot'

type Input<E extends v.ObjectEntries> = v.InferInput<v.ObjectSchema<E, undefined>>
type Output<E extends v.ObjectEntries> = v.InferOutput<v.ObjectSchema<E, undefined>>

/**
 * A schema that keeps members it does not name, because a feature or a newer version wrote them. Its type has only the
 * members it names, so that a misspelled or undeclared one does not compile.
 */
export const openObject = <const E extends v.ObjectEntries>(
  entries: E,
): v.GenericSchema<Input<E>, Output<E>> => v.looseObject(entries)

/** Members that records of type `R` may carry beyond their own. */
export interface Declared<R extends object, E extends v.ObjectEntries = v.ObjectEntries> {
  readonly entries: E
  /**
   * The same record under the type of these members, at no cost: they were parsed when they were written. Any of them
   * may be absent, even one with a default: the record may be older than the feature.
   */
  of(record: R): Readonly<Partial<Output<E>>>
  /** A record with these members set. */
  set<T extends R>(record: T, members: Readonly<Partial<Input<E>>>): T
}

/** Declares members of records of type `R`. Code writes and reads them through the declaration. */
export const declaring =
  <R extends object>() =>
  <const E extends v.ObjectEntries>(entries: E): Declared<R, E> => ({
    entries,
    of: (record: object) => record as Readonly<Partial<Output<E>>>,
    set: (record, members) => ({ ...record, ...members }),
  })
