/** Thrown by a check of `latchkey examine` that cannot be made. docs/examine.md */

/** The check needs what is not there, such as a client or an endpoint. */
export class NotExamined extends Error {
  override name = 'NotExamined'
}
