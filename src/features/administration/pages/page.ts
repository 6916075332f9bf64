/** The pages of /admin as rows: what a page shows, and the actions of its forms, which perform routes of the API. */
import type * as v from 'valibot'
import type { AdminScope } from '../../../auth/admin_roles.ts'
import { HttpError } from '../../../auth/errors.ts'
import type { Params } from '../../../auth/params.ts'
import { RefusedError } from '../../../auth/refusal.ts'
import type { Call } from '../../../contracts/call.ts'
import type { Context } from '../../../contracts/context.ts'
import { defineEndpoint, type Endpoint, type Submitted } from '../../../contracts/endpoint.ts'
import type { Reply } from '../../../contracts/reply.ts'
import { accountForm, accountPurpose } from '../../../flow/account_form.ts'
import { form, query } from '../../../http/call.ts'
import { requireOwnBrowser, requireOwnForm } from '../../../http/csrf.ts'
import { page, redirectWithin } from '../../../http/reply.ts'
import { segmentsOf } from '../../../http/router.ts'
import { ownMember } from '../../../lib/own_member.ts'
import { type Said, say } from '../../../lib/say.ts'
import { withQuery } from '../../../html/data_table.ts'
import type { Html } from '../../../html/view.ts'
import { type Actor } from '../actor.ts'
import { perform } from '../perform.ts'
import { parsed } from '../read_input.ts'
import type { Done, NamesIn, RouteOf } from '../route.ts'
import { type Administrator, administratorOf } from './administrator.ts'
import { adminFrame, type SectionPath } from './frame.ts'
import { type PageChoices, pageHead } from './head.ts'

/** What a page is made from. */
export interface PageInput<P extends string> {
  call: Call
  context: Context
  actor: Actor
  params: { readonly [Name in NamesIn<P>]: string }
  query: Params
  /** The fields of a form that was refused a moment ago, so that the page shows them again. */
  sent?: Params | undefined
  /** The path of the page with the base path: the action of its forms. */
  action: string
  csrf: string
  /** The session of the administrator. */
  ownSid: string
  /** Whether the administrator holds the scope: buttons of other actions are not shown. */
  may(scope: AdminScope): boolean
  /** Performs a route of the API for the administrator, with texts of the query or of the form. */
  ask<
    R extends string,
    Q extends v.ObjectEntries,
    B extends v.ObjectEntries,
    A extends v.GenericSchema | undefined,
  >(
    route: RouteOf<R, Q, B, A>,
    given?: Asked<R>,
  ): Promise<Done<A extends v.GenericSchema ? v.InferOutput<A> : undefined>>
}

/** As a request to the API would have it. Members without a value are left out. */
interface Asked<R extends string> {
  params?: { readonly [Name in NamesIn<R>]: string }
  query?: Readonly<Record<string, string | undefined>>
  body?: Readonly<Record<string, unknown>>
  ifMatch?: string | undefined
  dryRun?: boolean
}

const given = (values: Readonly<Record<string, unknown>> = {}) =>
  Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined && value !== ''))

export interface Shown {
  title: Said
  /** In place of the title above the page, such as the name of a person. */
  heading?: string
  main: readonly Html[]
}

/** What the form of an action leads to: the page again, another page, or an answer that is shown this once. */
export type Outcome =
  | {
      to?: string
      show?: Shown
      /** Where a form that is sent twice is led, in place of what is shown once. Below the base path. */
      again?: string
    }
  | undefined
  | void

export interface PageAction<P extends string> {
  /** Confirms it, above the page that follows. */
  done: Said
  run(input: PageInput<P> & { fields: Params }): Promise<Outcome>
}

export interface AdminPage<P extends string> extends PageChoices {
  /** Below the base path, with `{names}`. */
  path: P
  section: SectionPath
  /** Without it the page does not exist for the administrator. Undefined: any role. */
  scope: AdminScope | undefined
  show(input: PageInput<P>): Promise<Shown>
  /** Also to be seen it needs the fresh sign-in of a change. */
  fresh?: true
  /** By the name of the button that was pressed. */
  actions?: Readonly<Record<string, PageAction<P>>>
}

const purposeOf = (path: string): string => `admin ${path}`

const pathWithQuery = ({ path, search }: Call): string => (search === '' ? path : `${path}?${search}`)

function inputOf<P extends string>(
  { path }: AdminPage<P>,
  call: Call,
  context: Context,
  { actor, session }: Administrator,
): { input: PageInput<P>; cookies: string[] } {
  const params = segmentsOf(path, call.path)
  if (params === undefined) throw new HttpError('not_found', { expected: 'a path in UTF-8', came: call.path })
  const { csrf, cookies } = accountForm(call, context, session, purposeOf(call.path))
  return {
    cookies,
    input: {
      call,
      context,
      actor,
      params: params as PageInput<P>['params'],
      query: query(call, context),
      action: `${context.basePath}${call.path}`,
      csrf,
      ownSid: session.sid,
      may: (scope) => actor.scopes.has(scope),
      ask: (route, { params: names, query: asked, body, ifMatch, dryRun } = {}) =>
        perform(call, context, route, {
          actor,
          params: (names ?? {}) as never,
          query: parsed(route.query ?? ({} as never), given(asked), 'a query'),
          body: parsed(route.body ?? ({} as never), given(body), 'a form'),
          ifMatch: ifMatch === undefined ? [] : [ifMatch],
          ...(dryRun !== undefined && { dryRun }),
        }),
    },
  }
}

/** Throws 404 for an administrator whose role may not see the page. */
function requireSight({ scope }: AdminPage<string>, { actor }: Administrator): void {
  if (scope !== undefined && !actor.scopes.has(scope))
    throw new HttpError('not_found', { expected: `a role with the scope ${scope}`, came: actor.role })
}

export function defineAdminPage<const P extends string>(row: AdminPage<P>): Endpoint {
  const head = pageHead(row.path, row)
  const get = async (call: Call, context: Context): Promise<Reply> => {
    const found = await administratorOf(call, context, pathWithQuery(call), { isChange: row.fresh === true })
    return 'reply' in found ? found.reply : shown(call, context, row, found)
  }
  if (row.actions === undefined) return defineEndpoint({ ...head, get })
  return defineEndpoint<Administrator & Submitted>({
    ...head,
    get,
    async form(call, context) {
      requireOwnBrowser(call, context)
      const fields = await form(call, context)
      const found = await administratorOf(call, context, call.path, { isChange: true })
      if ('reply' in found) return found
      requireOwnForm(call, context, fields.csrf_token, accountPurpose(found.session, purposeOf(call.path)))
      return { ...found, fields }
    },
    post: (call, context, { fields, ...found }) => submit(call, context, row, found, fields),
  })
}

/** The page, with what became of an action. */
async function shown<P extends string>(
  call: Call,
  context: Context,
  row: AdminPage<P>,
  found: Administrator,
  problem?: { status: number; text: Said; sent: Params },
): Promise<Reply> {
  requireSight(row, found)
  const { input, cookies } = inputOf(row, call, context, found)
  const view = await row.show({ ...input, sent: problem?.sent })
  const html = adminFrame(call, context, found.actor, {
    ...view,
    current: row.section,
    done: problem ? undefined : ownMember(row.actions ?? {}, input.query.done ?? '')?.done,
    problem: problem?.text,
  })
  return { ...page(problem?.status ?? 200, html), cookies }
}

async function submit<P extends string>(
  call: Call,
  context: Context,
  row: AdminPage<P>,
  found: Administrator,
  fields: Params,
): Promise<Reply> {
  requireSight(row, found)
  const { input } = inputOf(row, call, context, found)
  const name = Object.keys(row.actions!).find((each) => fields[each] !== undefined)
  if (name === undefined)
    throw new HttpError('bad_request', {
      expected: `a button of ${Object.keys(row.actions!).join(', ')}`,
      came: Object.keys(fields).join(', '),
    })
  try {
    const outcome = await row.actions![name]!.run({ ...input, fields })
    if (outcome?.show)
      return {
        ...page(200, adminFrame(call, context, found.actor, { ...outcome.show, current: row.section })),
        ...(outcome.again !== undefined && { again: `${context.basePath}${outcome.again}` }),
      }
    const reply = redirectWithin(withQuery(`${context.basePath}${outcome?.to ?? call.path}`, { done: name }))
    return outcome?.again === undefined ? reply : { ...reply, again: `${context.basePath}${outcome.again}` }
  } catch (error) {
    if (!(error instanceof RefusedError) || error.status >= 500 || error.code === 'not_found') throw error
    return shown(call, context, row, found, { status: error.status, text: wordsOf(error), sent: fields })
  }
}

/** What the administrator reads of a refusal. */
function wordsOf({ code, refusal }: RefusedError): Said {
  if (code === 'precondition_failed') return say('admin.changed_meanwhile')
  return refusal.say ?? say('admin.refused', { problem: withoutOutcome(refusal.problem ?? refusal.expected) })
}

/** The interface says by itself that nothing was changed, at the end of a problem; the page says it before. */
const withoutOutcome = (problem: string): string =>
  problem.replace(/(?:; |, so |(?<=[.!?…]) )nothing was changed(?: here)?\.?$/i, '')
