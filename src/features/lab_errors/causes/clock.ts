/** The clock of the lab as a cause, where a refusal compares times. docs/lab.md, "Clock" */
import { type CauseRow, duration, type Seen } from './cause.ts'

/** Milliseconds that make no difference. */
const tolerated = 30_000

const comparesTimes =
  /\bexp(?:ires?_in|ired|ires)?\b|\biat\b|\bnbf\b|\bmax_age\b|seconds? (?:ago|ahead|of now)|still valid|has (?:not )?(?:ended|expired)|unexpired|valid now|out of date/

/** A time of the token that was sent is over, or to come. */
function hasOtherTime({ failure: { traces, at } }: Seen): boolean {
  const { exp, iat } = traces.token?.jwt?.claims ?? {}
  return (typeof exp === 'number' && exp * 1000 < at) || (typeof iat === 'number' && iat * 1000 > at)
}

export const clockCauses: readonly CauseRow[] = [
  {
    name: 'lab_clock_moved',
    explain(seen) {
      const { expected, problem = '', clock } = seen.failure
      if (!clock || (Math.abs(clock.aheadMs) < tolerated && !clock.isStopped)) return undefined
      if (!comparesTimes.test(`${expected} ${problem}`) && !hasOtherTime(seen)) return undefined
      const moved = `${duration(clock.aheadMs)} ${clock.aheadMs > 0 ? 'ahead of' : 'behind'} the machine`
      return {
        certainty: 'likely',
        title: `The clock of the lab was not that of the machine: it ${clock.isStopped ? `stood, ${moved}` : `was ${moved}`}.`,
        evidence: [
          'This refusal compares times. What was made before the move, or by a program with the right time, has other times.',
        ],
        mend: [
          { text: 'Set it right at /lab/clock, or:', code: setRight(seen) },
          { text: 'Then begin again: codes, tokens and sessions that were made meanwhile keep their times.' },
        ],
      }
    },
  },
]

const setRight = ({ context: { config } }: Seen): string =>
  `curl -s -X POST ${config.issuer}/lab/api/clock -H 'content-type: application/json' -d '{"reset": true}'`
