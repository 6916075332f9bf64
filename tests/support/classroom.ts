/** A classroom at a provider: its links, and students who join by the pages. */
import { Classroom, type MadeClassroom, type NewClassroom } from '../../src/models/classroom.ts'
import { inGroups } from '../../src/lib/base32.ts'
import { systemRandom } from '../../src/lib/random.ts'
import { type At, browser } from './flow.ts'
import type { Landing, Person } from './person.ts'
import type { Provider } from './provider.ts'

export const makeClassroom = (op: Provider, made: Partial<NewClassroom> = {}): Promise<MadeClassroom> =>
  Classroom.create(op.context, systemRandom, { lesson: 'code-flow', students: 3, hours: 1, ...made })

export interface Joined {
  who: Person
  landing: Landing
  /** The provider of the student, asked by its browser or by curl. */
  at: At
}

export async function join(op: At, code: string, name: string, who = browser(op)): Promise<Joined> {
  const { page } = await who.open(`${op.issuer}/classroom/join?code=${inGroups(code)}`)
  const landing = page!.forms.some(({ buttons }) => buttons.includes('join'))
    ? await who.press(page!, 'join', { name })
    : { page: page! }
  const [, issuer = ''] = /^(.*\/realms\/[^/]+)\/lab\/worksheet/.exec(landing.page!.url) ?? []
  return { who, landing, at: atRealm(op, issuer) }
}

/** Paths are below the issuer of the realm. */
export const atRealm = (op: At, issuer: string): At => ({
  issuer,
  fetch: (path, init, peer) => op.fetch(path.startsWith('/') ? `${issuer}${path}` : path, init, peer),
})

/** A browser at the board. */
export async function teacher(
  op: At,
  { teacherKey }: MadeClassroom,
): Promise<{ who: Person; landing: Landing }> {
  const who = browser(op)
  return { who, landing: await who.open(`${op.issuer}/classroom/board?key=${teacherKey}`) }
}

/** Realms have keys of their own, and RSA keys take long to make. */
export const classroomEnv = { LAB: 'true', REALMS: 'true' }
