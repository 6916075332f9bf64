/** What a change of a client means for what was issued before: sentences for the operator. */
import { printable } from './output.ts'
import { type Client, isPublic } from '../models/client.ts'

interface Consequence {
  holds(before: Client, after: Client): boolean
  text: string
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

const consequences: readonly Consequence[] = [
  {
    holds: (before, after) => lacks(before.scope.split(' '), after.scope.split(' ')),
    text: 'Grants and consents from before keep the scopes that they have; --end-grants ends them.',
  },
  {
    holds: (before, after) => lacks(before.redirect_uris, after.redirect_uris),
    text: 'Authorization requests with a redirect URI that was removed are refused.',
  },
  {
    holds: (before, after) => lacks(before.grant_types, after.grant_types),
    text: 'Token requests by a grant type that was removed are refused; access tokens from before remain valid until they expire, unless --end-grants ends them.',
  },
  {
    holds: (before, after) => !isPublic(before) && isPublic(after),
    text: 'It has no secret any more. Refresh tokens that it got while it authenticated end at their next use.',
  },
  {
    holds: (before, after) => !isPublic(after) && differs('token_endpoint_auth_method')(before, after),
    text: 'It must authenticate by the new method from now on.',
  },
  {
    holds: differs('jwks', 'jwks_uri'),
    text: 'What it signed with keys that were removed is refused.',
  },
  {
    holds: differs('subject_type', 'sector_identifier_uri'),
    text: 'Its End-Users have other subject identifiers (sub) from now on; tokens from before keep theirs.',
  },
  {
    holds: (before, after) => before.first_party && !after.first_party,
    text: 'End-Users are asked for consent from now on.',
  },
  {
    holds: (before, after) => before.self_registered && anew(before, after),
    text: 'It registered itself, so End-Users are asked for consent once more.',
  },
]

type Members = Readonly<Record<string, unknown>>

/** The members, and the values of lists, that were given and are not registered. */
export function droppedFrom(given: Members, client: Client): string[] {
  const registered = client as unknown as Members
  return Object.entries(given).flatMap(([name, value]) => {
    if (value === null || value === undefined) return []
    if (!Object.hasOwn(client, name)) return [name]
    const kept = registered[name]
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
      `warning: ${printable(name)} is not registered: this provider does not know or serve it for this client\n`,
    )
}

/** One sentence each; empty for a change that concerns nothing that was issued. */
export const consequencesOf = (before: Client, after: Client): string[] =>
  consequences.filter(({ holds }) => holds(before, after)).map(({ text }) => text)
