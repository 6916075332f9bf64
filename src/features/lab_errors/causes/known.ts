/** Refusals whose demand itself names the mistake: the table of what is said where no other row of the causes fits. */
import type { CauseRow, Seen } from './cause.ts'

/** Shows the metadata of the provider. */
export const discovery = 'curl "$ISSUER/.well-known/openid-configuration"'

/** A line of a program, a command or a setting; a function where it names the client. */
export type Line = string | readonly string[] | ((seen: Seen) => string)

/** One cause for the refusals whose `expected` has a text. */
export interface Known {
  name: string
  /** Found in `expected` of the refusal. */
  says: RegExp
  title: string
  mend: string
  code: Line | undefined
}

export const known = (name: string, says: RegExp, title: string, mend: string, code?: Line): Known => ({
  name,
  says,
  title,
  mend,
  code,
})

const isFunction = (code: Line | undefined): code is (seen: Seen) => string => typeof code === 'function'

/** `likely`: the demand is certain, and the way on from it the most usual one. */
export const knownRow = ({ name, says, title, mend, code }: Known): CauseRow => ({
  name,
  explain: (seen) =>
    says.test(seen.failure.expected)
      ? {
          certainty: 'likely',
          title,
          evidence: [],
          mend: [
            {
              text: mend,
              ...(code !== undefined && { code: isFunction(code) ? code(seen) : code }),
            },
          ],
        }
      : undefined,
})
