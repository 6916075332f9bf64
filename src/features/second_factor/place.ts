/** Where a page of second factors stands: inside of a sign-in that is half done, or on the account of somebody signed in. */
import { HttpError } from '../../auth/errors.ts'
import { RefusedError } from '../../auth/refusal.ts'
import type { Context } from '../../contracts/context.ts'
import { accountForm, signedInForm } from '../../flow/account_form.ts'
import { formFields } from '../../flow/interaction_page.ts'
import { type AtHand, type FindPerson } from '../../flow/person_at_hand.ts'
import { allowedFactors, isStale, mayEnrol, readyFactors, stronglyAtHand } from '../../flow/second_factors.ts'
import { type StepNeeded, stepOfPage, stepForm, signIn } from '../../flow/sign_in.ts'
import { accountPage } from '../../flow/account_page.ts'
import type { Call } from '../../contracts/call.ts'
import type { FormReader, Submitted } from '../../contracts/endpoint.ts'
import { logRefusal } from '../../http/error_reply.ts'
import { formTarget } from '../../http/headers.ts'
import { page, redirectWithin } from '../../http/reply.ts'
import type { Reply } from '../../contracts/reply.ts'
import type { Html } from '../../html/view.ts'
import { type Said, say } from '../../lib/say.ts'
import type { User } from '../../models/user.ts'
import { choicePath, setUpPath } from './policy.ts'
import { type Done, factorsPath } from './words.ts'
import { halfPage, type Hidden, linkItem, paragraph, together } from './views.ts'

export interface Shown {
  title: Said
  text?: Said | undefined
  main: readonly Html[]
  /** Above a page of /account: what was done, or could not be. */
  notice?: { done?: Said | undefined; problem?: Said | undefined }
}

export interface Place {
  user: User
  /** What secrets that wait are bound to: this session, or this interaction, of this person. */
  owner: string
  action: string
  hidden: Hidden
  /** Whether what is set up here may take the place of what was there: not in a sign-in, where only a password is known. */
  replaces: boolean
  /** A path of ours in this place: the interaction goes with it. Below the base path when given, whole when returned. */
  at(path: string): string
  show(status: number, view: Shown): Reply
  /** A factor was set up or passed: on to the session with `amr` so far and more, or back to the list with `done`. */
  finish(done: Done, more: (amr: readonly string[]) => string[]): Promise<Reply>
}

export interface Placed {
  place: Place
}

/** A place inside of a sign-in; `ready` when the factor of the page is one that this person may use. */
export interface HalfPlaced extends Placed {
  progress: StepNeeded
  ready: boolean
}

/** The page at `path`, which is also the purpose of its forms, for a person who passed a first factor. */
async function placeInSignIn(
  call: Call,
  context: Context,
  path: string,
  progress: StepNeeded,
): Promise<HalfPlaced> {
  const purpose = path.slice(1)
  const { open, user } = progress
  const { action, csrf, interaction } = formFields(call, context, purpose, open.handle)
  const at = (where: string) => `${context.basePath}${where}?interaction=${open.handle}`
  const ready = await readyFactors(user, context)
  const others = ready.filter((factor) => factor.path !== path)
  // Where nothing is ready yet, the other ways are other kinds to set up.
  const elsewhere = ready.length === 0 ? setUpPath : others.length > 0 ? choicePath : undefined
  const { params } = open.interaction
  const place: Place = {
    user,
    owner: `interaction ${open.handle} ${user.sub}`,
    action,
    hidden: { csrf_token: csrf, interaction },
    replaces: false,
    at,
    show: (status, view) => ({
      ...page(
        status,
        halfPage({
          ...view,
          links:
            elsewhere !== undefined && path !== choicePath && path !== setUpPath
              ? [linkItem({ path: at(elsewhere), label: say('second_factor.other_way') })]
              : [],
        }),
      ),
      formTargets: params?.redirect_uri === undefined ? [] : formTarget(params.redirect_uri),
    }),
    finish: (_, more) => signIn(call, context, progress, { user, amr: more(progress.amr) }),
  }
  return { place, progress, ready: others.length < ready.length }
}

/** Finds the place of a page on GET, or the reply that leads elsewhere. */
export type FindPlace<T extends Placed = Placed> = (
  call: Call,
  context: Context,
) => Promise<T | { reply: Reply }>

export const halfPlace =
  (path: string): FindPlace<HalfPlaced> =>
  async (call, context) => {
    const progress = await stepOfPage(call, context)
    return 'reply' in progress ? progress : placeInSignIn(call, context, path, progress)
  }

/** The `form` of that page. */
export const halfPlaceForm = (path: string): FormReader<HalfPlaced & Submitted> => {
  const read = stepForm(path.slice(1))
  return async (call, context) => {
    const progress = await read(call, context)
    if ('reply' in progress) return progress
    return { ...(await placeInSignIn(call, context, path, progress)), fields: progress.fields }
  }
}

/** Where a person goes first who may not set a factor up yet: one that is set up is proven before. */
async function beforeEnrolment(
  { progress, place }: HalfPlaced,
  context: Context,
): Promise<Reply | undefined> {
  if (await mayEnrol(progress, context)) return undefined
  return redirectWithin(place.at(isStale(progress, context) ? '/login' : choicePath))
}

/** The same for a page that sets a factor up. */
export const halfEnrolment = (path: string): FindPlace<HalfPlaced> => {
  const find = halfPlace(path)
  return async (call, context) => {
    const placed = await find(call, context)
    if ('reply' in placed) return placed
    const reply = await beforeEnrolment(placed, context)
    return reply ? { reply } : placed
  }
}

export const halfEnrolmentForm = (path: string): FormReader<HalfPlaced & Submitted> => {
  const read = halfPlaceForm(path)
  return async (call, context) => {
    const placed = await read(call, context)
    if ('reply' in placed) return placed
    const reply = await beforeEnrolment(placed, context)
    return reply ? { reply } : placed
  }
}

/** The page at `path` of /account, which is also the purpose of its forms. */
export function placeOnAccount(call: Call, context: Context, path: string, person: AtHand): Place {
  const { session, user } = person
  const { csrf, cookies } = accountForm(call, context, session, path)
  return {
    user,
    owner: `session ${session.sid} ${user.sub}`,
    action: `${context.basePath}${path}`,
    hidden: { csrf_token: csrf },
    replaces: true,
    at: (where) => `${context.basePath}${where}`,
    show: (status, view) => ({
      ...page(
        status,
        accountPage(context, {
          current: factorsPath,
          title: view.title,
          main: together({ parts: [...(view.text ? [paragraph({ text: view.text })] : []), ...view.main] }),
          ...view.notice,
        }),
      ),
      cookies,
    }),
    finish: (done) => Promise.resolve(redirectWithin(`${context.basePath}${factorsPath}?done=${done}`)),
  }
}

export const accountPlace =
  (path: string, find: FindPerson = stronglyAtHand): FindPlace =>
  async (call, context) => {
    const person = await find(call, context, path)
    return 'reply' in person ? person : { place: placeOnAccount(call, context, path, person) }
  }

/** The `form` of that page: what changes a factor asks for all that are set up. */
export const accountPlaceForm = (path: string): FormReader<Placed & AtHand & Submitted> => {
  const read = signedInForm(path, path, stronglyAtHand)
  return async (call, context) => {
    const person = await read(call, context)
    return 'reply' in person ? person : { ...person, place: placeOnAccount(call, context, path, person) }
  }
}

/** Throws a page's error where SECOND_FACTORS leaves this one out: it could be set up and would never be asked for. */
export function requireOffered(context: Context, name: string): void {
  if (!allowedFactors(context).some((factor) => factor.name === name))
    throw new HttpError('not_found', {
      expected: `a second factor among ${allowedFactors(context)
        .map((factor) => factor.name)
        .join(', ')}`,
      came: name,
      problem: 'this second factor is not offered here',
    })
}

/** The answer to a try that was one too many, with the page it was made on. */
export function tooMany(
  call: Call,
  context: Context,
  error: unknown,
  show: (status: number, said: Said) => Reply,
): Reply {
  if (!(error instanceof RefusedError) || error.refusal.retryAfter === undefined) throw error
  logRefusal(error, call, context)
  const { retryAfter } = error.refusal
  const minutes = Math.max(1, Math.ceil(retryAfter / 60))
  const reply = show(error.status, say('second_factor.too_many', { n: minutes }))
  return { ...reply, headers: { ...reply.headers, 'retry-after': `${retryAfter}` } }
}
