/** The picture of an End-User, or the initials of the name. */
import { defineView, type Html } from './view.ts'

/** An End-User on a page (`people/shown_person.ts`). */
export interface ShownPerson {
  username: string
  /** The full name. */
  name?: string | undefined
  /** A URL on this provider. */
  picture?: string | undefined
}

const picture = defineView(
  'avatar_picture',
  '<img class="avatar" src="{{url}}" alt="" width="32" height="32">',
  ['url'],
)
const letters = defineView('avatar', '<span class="avatar" aria-hidden="true">{{letters}}</span>', [
  'letters',
])

/** Scripts in which the initials of two names stand beside each other. In others one letter is shown. */
const paired = /^[\p{Script=Latin}\p{Script=Cyrillic}\p{Script=Greek}]/u

/** "Alice van Adams" is AA; a name without letters has none. */
export function initialsOf(name: string): string {
  const words = name.split(/[\s._@-]+/u).filter((word) => /^[\p{L}\p{N}]/u.test(word))
  const [first = '', ...rest] = words.map((word) => (/^.\p{M}*/u.exec(word)?.[0] ?? '').toUpperCase())
  const last = rest.at(-1) ?? ''
  return paired.test(first) && paired.test(last) ? first + last : first
}

export const avatar = ({ username, name, picture: url }: ShownPerson): Html =>
  url === undefined ? letters({ letters: initialsOf(name || username) }) : picture({ url })
