/** Causes of refused scopes. https://www.rfc-editor.org/rfc/rfc6749#section-3.3 */
import { scopeValues, standardScopes } from '../../../auth/scope.ts'
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

const asked = (seen: Seen): string[] => scopeValues(parameter(seen, 'scope') ?? '')

/** The first value that this provider does not have. */
const unknownIn = (seen: Seen): string | undefined =>
  asked(seen).find((each) => !seen.context.scopes.includes(each))

const isForItself = (seen: Seen): boolean => parameter(seen, 'grant_type') === 'client_credentials'

/** Scopes that this kind of request can have. */
const possible = (seen: Seen): string[] => {
  const ofEndUsers: readonly string[] = isForItself(seen) ? standardScopes : []
  return seen.context.scopes.filter((each) => !ofEndUsers.includes(each))
}

/** Scopes of the client that this kind of request can have. */
const ownOf = (seen: Seen): string[] =>
  scopeValues(seen.client?.scope ?? '').filter((each) => possible(seen).includes(each))

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
    name: 'scope_of_end_user',
    codes,
    explain(seen) {
      const ofEndUser = asked(seen).find((each) => meantBy(each, standardScopes) !== undefined)
      if (!isForItself(seen) || ofEndUser === undefined || ofEndUser.length > longestName) return undefined
      const own = ownOf(seen)
      return {
        certainty: 'proven',
        title: `The client asks for the scope ${ofEndUser} for itself, and scopes of OpenID Connect are about an End-User.`,
        evidence: [
          'With client_credentials no End-User takes part, so there is no ID Token and no profile.',
          `Scopes that this client may have for itself: ${own.join(' ') || 'none'}.`,
        ],
        mend: [
          {
            text: 'Leave it out:',
            code: [
              'grant_type=client_credentials',
              ...(own.length > 0 ? [`scope=${own.join('%20')}`] : []),
            ].join('&'),
          },
          {
            text: 'For a sign-in, send the browser to the authorization endpoint:',
            code: 'response_type=code',
          },
        ],
      }
    },
  },
  {
    name: 'scope_misspelled',
    codes,
    explain(seen) {
      const came = unknownIn(seen)
      if (came === undefined || came.length > longestName) return undefined
      const meant = meantBy(came, possible(seen))
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
        evidence: [
          isForItself(seen)
            ? `This client may have for itself: ${ownOf(seen).join(', ') || 'none'}.`
            : `It has: ${seen.context.openScopes.join(', ')}.`,
        ],
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
