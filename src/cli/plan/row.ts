/** The parts of a plan that clients and settings share. */

/** A member before and after. */
export interface Row {
  from: unknown
  to: unknown
}

/** What a change means for what was issued before. */
export interface Break {
  name: string
  text: string
}
