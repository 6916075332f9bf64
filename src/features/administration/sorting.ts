/** The orders of searched lists, the same for people and clients. docs/decisions/0083-large-tables.md */
import { HttpError } from '../../auth/errors.ts'
import { SortUnavailable } from '../../models/search.ts'

/** Each order, and with a minus sign the same descending. */
export const sortingsOf = <const S extends string>(sorts: readonly S[]): readonly (S | `-${S}`)[] => [
  ...sorts,
  ...sorts.map((each) => `-${each}` as const),
]

/** The order without its minus sign. */
export const orderOf = <const S extends string>(sort: S | `-${S}`): S => sort.replace(/^-/, '') as S

/** Throws 422 for an order that an encrypted store does not keep. */
export const sortedBy = <T>(sort: string, found: Promise<T>): Promise<T> =>
  found.catch((error: unknown) => {
    if (!(error instanceof SortUnavailable)) throw error
    throw new HttpError('unprocessable', {
      expected: 'an order that the store keeps',
      came: sort,
      problem: error.message,
    })
  })
