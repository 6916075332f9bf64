/** Causes of refused scopes. https://www.rfc-editor.org/rfc/rfc6749#section-3.3 */
import { scopeValues } from '../../../auth/scope.ts'
import { nearest } from '../../../lib/nearest.ts'
import { compare } from '../compare.ts'
import { type CauseRow, clientSet, parameter, type Seen, word } from './cause.ts'

const codes = ['invalid_scope']

/** Names that are compared letter by letter are not longer. */
const longestName = 60

const sorted = (text: string): string => [...text].sort().join('')

/** The scope that is meant by a name with letters that are wrong or swapped. */
function meantBy(came: string, known: readonly string[]): string | undefined {
  const lower = came.toLowerCase()
  return known.find((each) => sorted(each) === sorted(lower)) ?? nearest(lower, known)[0]
}

/** The first value that this provider does not have. */
const unknownIn = (seen: Seen): string | undefined =>
  scopeValues(parameter(seen, 'scope') ?? '').find((each) => !seen.context.scopes.includes(each))

export const scopeCauses: readonly CauseRow[] = [
  {
    name: 'scope_with_commas',
    codes,
    explain(seen) {
      const scope = parameter(seen, 'scope') ?? ''
      const values = scope.split(/[,;]\s*/)
      const isList = values.length > 1 && values.every((each) => seen.context.scopes.includes(each))
      if (!isList) return undefined
      return {
        certainty: 'proven',
        title: 'The scopes are separated by commas, where spaces are expected.',
        evidence: [`Between them are names that this provider has: ${values.join(', ')}.`],
        mend: [
          {
            text: 'Separate them by one space, percent-encoded in a URL:',
            code: `scope=${values.join('%20')}`,
          },
        ],
        compared: compare('scope', values.join(' '), scope),
      }
    },
  },
  {
    name: 'scope_misspelled',
    codes,
    explain(seen) {
      const came = unknownIn(seen)
      if (came === undefined || came.length > longestName) return undefined
      const meant = meantBy(came, seen.context.scopes)
      if (meant === undefined) return undefined
      return {
        certainty: 'likely',
        title: `The scope ${came} is unknown; ${meant} is near.`,
        evidence: ['Scopes are compared with regard to case.'],
        mend: [{ text: 'Send:', code: `scope=${(parameter(seen, 'scope') ?? '').replace(came, meant)}` }],
        compared: compare('scope', meant, came),
      }
    },
  },
  {
    name: 'scope_of_no_provider',
    codes,
    explain(seen) {
      const came = unknownIn(seen)
      if (came === undefined || seen.failure.rule !== 'RFC 6749 §3.3') return undefined
      return {
        certainty: 'possible',
        title: `This provider has no scope ${came}.`,
        evidence: [`It has: ${seen.context.openScopes.join(', ')}.`],
        mend: [
          {
            text: 'Scopes of your APIs are named by the operator, and given to the client:',
            code: `SCOPES=${word(came)}`,
          },
          { text: 'Or unknown scopes are ignored:', code: 'UNKNOWN_SCOPES=ignore' },
        ],
      }
    },
  },
  {
    name: 'scope_not_registered',
    codes,
    explain(seen) {
      const { client, context } = seen
      if (!client) return undefined
      const own = scopeValues(client.scope)
      const came = scopeValues(parameter(seen, 'scope') ?? '').find(
        (each) => context.scopes.includes(each) && !own.includes(each),
      )
      if (came === undefined || unknownIn(seen) !== undefined) return undefined
      return {
        certainty: 'proven',
        title: `The client ${client.client_id} is not registered for the scope ${came}.`,
        evidence: [`It registered: ${own.join(' ') || 'none'}.`],
        mend: [
          {
            text: 'Add it. The options replace the whole list:',
            code: clientSet(seen, ...[...own, came].map((each) => `--scope ${word(each)}`)),
          },
          { text: 'Or leave it out of the request.' },
        ],
      }
    },
  },
  {
    name: 'scope_beyond_grant',
    codes,
    explain: (seen) =>
      /scopes of this grant/.test(seen.failure.expected)
        ? {
            certainty: 'proven',
            title: 'A refresh asks for a scope that the End-User did not allow in this authorization.',
            evidence: ['A refresh can narrow the scopes, and never widen them (RFC 6749 §6).'],
            mend: [{ text: 'Leave scope out of the refresh, or send a new authorization request with it.' }],
          }
        : undefined,
  },
]
