/** The End-User with a session, for pages outside of an authorization request. */
import { beginInteraction } from './begin_interaction.ts'
import type { Context } from '../contracts/context.ts'
import type { Call } from '../contracts/call.ts'
import type { Answer } from '../contracts/endpoint.ts'
import { ensureBrowser } from '../http/csrf.ts'
import { askedLocales, inSameLanguage } from '../http/language.ts'
import { redirectWithin } from '../http/reply.ts'
import type { Reply } from '../contracts/reply.ts'
import { currentSession } from '../http/session.ts'
import { provenAt, type Session } from '../models/session.ts'
import { type ActiveUser, isActive, User } from '../models/user.ts'

export interface SignedInPerson {
  session: Session
  user: ActiveUser
}

/** Finds the End-User of a page, or the reply that asks to sign in and leads back to `path` (below the base path). */
export type FindPerson = (
  call: Call,
  context: Context,
  path: string,
) => Promise<SignedInPerson | { reply: Reply }>

/** The End-User with a session, of any age. */
export async function signedInPerson(
  call: Call,
  context: Context,
  path: string,
): Promise<SignedInPerson | { reply: Reply }> {
  return (await presentPerson(call, context)) ?? { reply: await askToSignIn(call, context, path) }
}

/** For what cannot ask to sign in. */
export async function presentPerson(call: Call, context: Context): Promise<SignedInPerson | undefined> {
  const session = await currentSession(call, context)
  const user = session && (await User.find(context, session.sub))
  return session && isActive(user) ? { session, user } : undefined
}

/** The `get` of a page that needs a session. Without one it redirects to the sign-in page, which leads back to `path`. */
export const pageOfPerson =
  (
    path: string,
    show: (call: Call, context: Context, person: SignedInPerson) => Promise<Reply> | Reply,
    find: FindPerson = signedInPerson,
  ): Answer =>
  async (call, context) => {
    const person = await find(call, context, path)
    return 'reply' in person ? person.reply : show(call, context, person)
  }

/** How long a sign-in counts as fresh for changes of sign-in methods. OWASP ASVS 5.0 V7.5.1 */
const freshnessSeconds = 600

/** `at` in milliseconds. */
export const isFresh = (at: number, context: Context): boolean =>
  context.clock.now() - at <= freshnessSeconds * 1000

/** As `isFresh`. In an account that was created a moment ago there is nothing that an older sign-in could give away. */
export const isFreshIn = ({ created_at }: Pick<User, 'created_at'>, at: number, context: Context): boolean =>
  isFresh(Math.max(at, created_at * 1000), context)

/** The same with a fresh sign-in: for changes of passwords, factors and connections, and the deletion of the account. */
export async function freshlySignedIn(
  call: Call,
  context: Context,
  path: string,
): Promise<SignedInPerson | { reply: Reply }> {
  const person = await signedInPerson(call, context, path)
  if ('reply' in person) return person
  return isFreshIn(person.user, provenAt(person.session), context)
    ? person
    : { reply: await askToSignIn(call, context, path) }
}

/** Asks for another account than the one that is signed in, and leads back to `path` (below the base path). */
export const askForOther = (call: Call, context: Context, path: string): Promise<Reply> =>
  askToSignIn(call, context, path, { other: true })

/** Asks to sign in, also an End-User with a session, at one of the levels of `acr`; leads back to `path` (below the base path). */
export async function askToSignIn(
  call: Call,
  context: Context,
  path: string,
  { other = false, acr }: { other?: boolean; acr?: readonly string[] } = {},
): Promise<Reply> {
  const { browser, cookies } = ensureBrowser(call, context)
  const handle = await beginInteraction(call, context, browser, {
    return_to: inSameLanguage(call, `${context.basePath}${path}`),
    language: askedLocales(call),
    ...(acr && { acr: [...acr] }),
  })
  return redirectWithin(
    `${context.basePath}/login?interaction=${handle}${other ? '&other=yes' : ''}`,
    cookies,
  )
}
