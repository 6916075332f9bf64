/** What a change of a client means for what was issued before: sentences for the operator. */
import { printable } from './output.ts'
import { authMethodsOf, type Client, isPublic } from '../models/client.ts'

interface Consequence {
  /** For programs. */
  name: string
  holds(before: Client, after: Client): boolean
  text: string | ((after: Client) => string)
}

const lacks = (before: readonly string[], after: readonly string[]): boolean =>
  before.some((each) => !after.includes(each))

const differs =
  (...members: readonly string[]) =>
  (before: Client, after: Client): boolean =>
    members.some(
      (name) =>
        !Bun.deepEquals(
          (before as unknown as Record<string, unknown>)[name],
          (after as unknown as Record<string, unknown>)[name],
        ),
    )

const anew = differs('client_name', 'client_uri', 'logo_uri', 'redirect_uris')

const hasSecret = ({ secret_mac }: Client): boolean => secret_mac !== undefined
const authenticatesOtherwise = (before: Client, after: Client): boolean =>
  !Bun.deepEquals(authMethodsOf(before), authMethodsOf(after))

const consequences: readonly Consequence[] = [
  {
    name: 'scopes_removed',
    holds: (before, after) => lacks(before.scope.split(' '), after.scope.split(' ')),
    text: 'Grants and consents from before keep their scopes. latchkey client set CLIENT_ID --end-grants ends them.',
  },
  {
    name: 'redirect_uris_removed',
    holds: (before, after) => lacks(before.redirect_uris, after.redirect_uris),
    text: 'Authorization requests with a redirect URI that was removed are refused.',
  },
  {
    name: 'roles_removed',
    holds: ({ role_names: before }, { role_names: after }) =>
      after !== undefined && (before === undefined || lacks(Object.keys(before), Object.keys(after))),
    text: 'The client is not told the other roles of its End-Users any more.',
  },
  {
    name: 'grant_types_removed',
    holds: (before, after) => lacks(before.grant_types, after.grant_types),
    text: 'Token requests with a grant type that was removed are refused. Access tokens from before stay valid until they expire. latchkey client set CLIENT_ID --end-grants ends those of End-Users.',
  },
  {
    name: 'secret_deleted',
    holds: (before, after) => hasSecret(before) && !hasSecret(after),
    text: (after) =>
      `The secret of the client is deleted, because ${methodOf(after)} uses none. If the client needs a secret again, it gets a new one.`,
  },
  {
    name: 'secret_stays',
    holds: (before, after) => hasSecret(before) && hasSecret(after) && authenticatesOtherwise(before, after),
    text: 'The secret of the client stays the same.',
  },
  {
    name: 'authenticates_otherwise',
    holds: (before, after) => !isPublic(after) && authenticatesOtherwise(before, after),
    text: (after) =>
      `The client authenticates with ${authMethodsOf(after).map(printable).join(' or ')} from now on. Requests with another method are refused.`,
  },
  {
    name: 'becomes_public',
    holds: (before, after) => !isPublic(before) && isPublic(after),
    text: 'The client does not authenticate any more. Refresh tokens from before are refused at their next use, and their grants end.',
  },
  {
    name: 'keys_changed',
    holds: differs('jwks', 'jwks_uri'),
    text: 'Client assertions and request objects that are signed with a key that the client no longer has are refused.',
  },
  {
    name: 'other_subjects',
    holds: differs('subject_type', 'sector_identifier_uri'),
    text: 'The client gets other subject identifiers (sub) for its End-Users from now on. Tokens from before keep theirs.',
  },
  {
    name: 'asked_for_consent',
    holds: (before, after) => before.first_party && !after.first_party,
    text: 'End-Users are asked for consent from now on.',
  },
  {
    name: 'asked_once_more',
    holds: (before, after) => before.self_registered && anew(before, after),
    text: 'The client registered itself, so End-Users are asked for consent once more.',
  },
]

const methodOf = ({ token_endpoint_auth_method: method }: Client): string =>
  `token_endpoint_auth_method ${printable(method)}`

type Members = Readonly<Record<string, unknown>>

/** The members, and the values of lists, that were given and are not registered. */
export function droppedFrom(given: Members, client: Client): string[] {
  const registered = client as unknown as Members
  return Object.entries(given).flatMap(([name, value]) => {
    if (value === null || value === undefined) return []
    if (!Object.hasOwn(client, name)) return [name]
    const kept = registered[name]
    if (name === 'client_id' && value !== kept) return [name]
    if (!Array.isArray(value) || !Array.isArray(kept)) return []
    return value
      .filter((each) => typeof each === 'string' && !kept.includes(each))
      .map((each) => `${name}: ${each}`)
  })
}

/** On stderr, so that the JSON on stdout stays as it is. */
export function warnOfDropped(names: readonly string[]): void {
  for (const name of names)
    process.stderr.write(
      `warning: ${printable(name)} is not registered: ${byOptions[name] ?? 'this provider does not know or serve it for this client'}\n`,
    )
}

/** Members that a client has, and that options alone give. */
const byOptions: Readonly<Record<string, string>> = {
  client_id: 'client add --client-id chooses it',
  client_secret: 'client add and client secret take one with --secret-stdin or --secret-file',
}

/** One sentence each; empty for a change that concerns nothing that was issued. */
export const consequencesOf = (before: Client, after: Client): { name: string; text: string }[] =>
  consequences
    .filter(({ holds }) => holds(before, after))
    .map(({ name, text }) => ({ name, text: typeof text === 'string' ? text : text(after) }))
