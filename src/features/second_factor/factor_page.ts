/** What a page of second factors depends on: whether it is part of a sign-in or of /account. */
import { HttpError } from '../../auth/errors.ts'
import { RefusedError } from '../../auth/refusal.ts'
import type { Context } from '../../contracts/context.ts'
import { accountForm, signedInForm } from '../../flow/account_form.ts'
import { formFields, otherAccountPath } from '../../flow/interaction_page.ts'
import { type SignedInPerson, type FindPerson } from '../../flow/signed_in_person.ts'
import {
  allowedFactors,
  isStale,
  mayEnrol,
  readyFactors,
  stronglySignedIn,
} from '../../flow/second_factors.ts'
import { raiseSession } from '../../flow/step_up.ts'
import { type StepNeeded, stepOfPage, stepForm, signIn } from '../../flow/sign_in.ts'
import { accountPage } from '../../flow/account_page.ts'
import type { Call } from '../../contracts/call.ts'
import type { FormReader, Submitted } from '../../contracts/endpoint.ts'
import { logRefusal } from '../../http/error_reply.ts'
import { formTarget } from '../../http/headers.ts'
import { page, redirectWithin } from '../../http/reply.ts'
import type { Reply } from '../../contracts/reply.ts'
import { signingInAs } from '../../html/page_parts.ts'
import type { Html } from '../../html/view.ts'
import { type Said, say } from '../../lib/say.ts'
import { shownPerson } from '../../people/shown_person.ts'
import type { User } from '../../models/user.ts'
import { StoreUnavailable } from '../../store/store.ts'
import { choicePath, setUpPath } from './policy.ts'
import { type Done, factorsPath } from './words.ts'
import { stepView, type Hidden, linkItem, paragraph, together } from './views.ts'

export interface Shown {
  title: Said
  text?: Said | undefined
  main: readonly Html[]
  /** Shown above a page of /account: what was done or refused. */
  notice?: { done?: Said | undefined; problem?: Said | undefined }
}

export interface FactorPage {
  user: User
  /** Pending codes and seeds are bound to this: the session or interaction, and the End-User. */
  owner: string
  action: string
  hidden: Hidden
  /** Whether a new factor may replace an existing one. False in a sign-in, where only a password may be proven. */
  replaces: boolean
  /** Adds the base path and, in a sign-in, the interaction to a path. */
  pathTo(path: string): string
  show(status: number, view: Shown): Reply
  /** After a factor was set up or used: continues the sign-in with the longer `amr`, or returns to the list with `done`. */
  finish(done: Done, addToAmr: (amr: readonly string[]) => string[]): Promise<Reply>
}

export interface FoundPage {
  factorPage: FactorPage
}

/** A page of a sign-in. `ready`: the End-User has set up the factor of this page and may use it. */
export interface FoundStepPage extends FoundPage {
  progress: StepNeeded
  ready: boolean
}

/** The page at `path` in a sign-in. The path is also the purpose of its forms. */
async function stepFactorPage(
  call: Call,
  context: Context,
  path: string,
  progress: StepNeeded,
): Promise<FoundStepPage> {
  const purpose = path.slice(1)
  const { open, user } = progress
  const { action, csrf, interaction } = formFields(call, context, purpose, open.handle)
  const pathTo = (where: string) => `${context.basePath}${where}?interaction=${open.handle}`
  const ready = await readyFactors(user, context)
  const factor = context.table.secondFactors.find((each) => [each.path, each.enrolPath].includes(path))
  const others = ready.filter((factor) => factor.path !== path)
  // If no factor is set up, the link leads to the page that lists factors to set up.
  const elsewhere = ready.length === 0 ? setUpPath : others.length > 0 ? choicePath : undefined
  const { params } = open.interaction
  const factorPage: FactorPage = {
    user,
    owner: `interaction ${open.handle} ${user.sub}`,
    action,
    hidden: { csrf_token: csrf, interaction },
    replaces: false,
    pathTo,
    show: (status, view) => ({
      ...page(
        status,
        stepView({
          ...view,
          icon: factor?.icon ?? 'shield-check',
          who: signingInAs(shownPerson(user, context), otherAccountPath(context, open.handle)),
          links:
            elsewhere !== undefined && path !== choicePath && path !== setUpPath
              ? [linkItem({ path: pathTo(elsewhere), label: say('second_factor.other_way') })]
              : [],
        }),
      ),
      formTargets: params?.redirect_uri === undefined ? [] : formTarget(params.redirect_uri),
    }),
    finish: (_, addToAmr) => signIn(call, context, progress, { user, amr: addToAmr(progress.amr) }),
  }
  return { factorPage, progress, ready: others.length < ready.length }
}

/** For a GET: the page, or the reply that redirects. */
export type FindPage<T extends FoundPage = FoundPage> = (
  call: Call,
  context: Context,
) => Promise<T | { reply: Reply }>

export const findStepPage =
  (path: string): FindPage<FoundStepPage> =>
  async (call, context) => {
    const progress = await stepOfPage(call, context)
    return 'reply' in progress ? progress : stepFactorPage(call, context, path, progress)
  }

/** The same for a POST. */
export const stepPageForm = (path: string): FormReader<FoundStepPage & Submitted> => {
  const read = stepForm(path.slice(1))
  return async (call, context) => {
    const progress = await read(call, context)
    if ('reply' in progress) return progress
    return { ...(await stepFactorPage(call, context, path, progress)), fields: progress.fields }
  }
}

/** The redirect if no factor may be set up yet: first a factor that exists must be proven, or the sign-in renewed. */
async function beforeEnrolment(
  { progress, factorPage }: FoundStepPage,
  context: Context,
): Promise<Reply | undefined> {
  if (await mayEnrol(progress, context)) return undefined
  return redirectWithin(factorPage.pathTo(isStale(progress, context) ? '/login' : choicePath))
}

/** A page that sets a factor up in a sign-in. */
export const findEnrolmentPage = (path: string): FindPage<FoundStepPage> => {
  const find = findStepPage(path)
  return async (call, context) => {
    const found = await find(call, context)
    if ('reply' in found) return found
    const reply = await beforeEnrolment(found, context)
    return reply ? { reply } : found
  }
}

export const enrolmentPageForm = (path: string): FormReader<FoundStepPage & Submitted> => {
  const read = stepPageForm(path)
  return async (call, context) => {
    const found = await read(call, context)
    if ('reply' in found) return found
    const reply = await beforeEnrolment(found, context)
    return reply ? { reply } : found
  }
}

/** The page at `path` of /account. The path is also the purpose of its forms. */
export function accountFactorPage(
  call: Call,
  context: Context,
  path: string,
  person: SignedInPerson,
): FactorPage {
  const { session, user } = person
  const { csrf, cookies } = accountForm(call, context, session, path)
  return {
    user,
    owner: `session ${session.sid} ${user.sub}`,
    action: `${context.basePath}${path}`,
    hidden: { csrf_token: csrf },
    replaces: true,
    pathTo: (where) => `${context.basePath}${where}`,
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
    // The code that was just proven counts in this session: the next change does not ask for another one.
    finish: async (done, addToAmr) => {
      const cookies = await whileStored(() => raiseSession(call, context, session, addToAmr(session.amr)))
      return redirectWithin(`${context.basePath}${factorsPath}?done=${done}`, cookies ?? [])
    },
  }
}

export const findFactorAccountPage =
  (path: string, find: FindPerson = stronglySignedIn): FindPage =>
  async (call, context) => {
    const person = await find(call, context, path)
    return 'reply' in person ? person : { factorPage: accountFactorPage(call, context, path, person) }
  }

/** The same for a POST. Changes of factors need a fresh sign-in with a second factor, if one is set up. */
export const factorAccountForm = (path: string): FormReader<FoundPage & SignedInPerson & Submitted> => {
  const read = signedInForm(path, path, stronglySignedIn)
  return async (call, context) => {
    const person = await read(call, context)
    return 'reply' in person
      ? person
      : { ...person, factorPage: accountFactorPage(call, context, path, person) }
  }
}

/**
 * What follows a factor that is stored. When the store fails then, the answer does without it: undefined. The form could
 * not be sent again.
 */
export async function whileStored<T>(step: () => Promise<T>): Promise<T | undefined> {
  try {
    return await step()
  } catch (error) {
    if (error instanceof StoreUnavailable) return undefined
    throw error
  }
}

/** Throws if SECOND_FACTORS does not have this factor: it could be set up but would never be used. */
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

/** Shows the page with an error and `Retry-After` if `error` is a rate limit; rethrows other errors. */
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
