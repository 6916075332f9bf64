/** How much a tool of the lab keeps in memory. */
import type { Context } from '../contracts/context.ts'

/** Realms of a class are many, and each is used by one student. */
const partOfRealm = 8

/** The bytes of a tool of the server; for one of a realm a part of them. */
export const labBytes = ({ realm }: Context, bytes: number): number =>
  realm === undefined ? bytes : Math.floor(bytes / partOfRealm)
