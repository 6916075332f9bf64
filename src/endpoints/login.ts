/** The sign-in page. An unknown username and a wrong password get the same text, time and status (OWASP ASVS 5.0 V6.3.8). */
import { beginInteraction } from '../flow/begin_interaction.ts'
import { RefusedError } from '../auth/refusal.ts'
import type { Context } from '../contracts/context.ts'
import { accountPath } from '../html/account_parts.ts'
import type { Call } from '../contracts/call.ts'
import { query } from '../http/call.ts'
import { ensureBrowser } from '../http/csrf.ts'
import { findClient } from '../clients/find_client.ts'
import { imageSources } from '../html/client_parts.ts'
import { clientOfSignIn } from '../http/client_words.ts'
import { logRefusal, refusalFields } from '../http/error_reply.ts'
import { formTarget } from '../http/headers.ts'
import { loginPage } from '../html/pages.ts'
import { browserKnownTo } from '../http/known_browser.ts'
import { checkPassword } from '../people/password.ts'
import { currentSession } from '../http/session.ts'
import { page, redirectWithin } from '../http/reply.ts'
import type { Reply } from '../contracts/reply.ts'
import { say, type Said } from '../lib/say.ts'
import type { Session } from '../models/session.ts'
import { User } from '../models/user.ts'
import type { OpenInteraction } from '../flow/open_interaction.ts'
import { defineEndpoint, type Submitted } from '../contracts/endpoint.ts'
import { formFields, interactionForm, interactionOfPage } from '../flow/interaction_page.ts'
import { firstFactorNeeded, signIn } from '../flow/sign_in.ts'

export const login = defineEndpoint({
  name: 'login',
  path: '/login',
  advertised: false,
  limited: true,
  page: true,
  async get(call, context) {
    // An empty value is a link that was cut, not a bookmark of the page.
    if (!new URLSearchParams(call.search).has('interaction')) return beginSignIn(call, context)
    const { other } = query(call, context)
    const open = await interactionOfPage(call, context)
    if (other !== undefined) return show(call, context, open, 200, {})
    const present = await currentSession(call, context)
    if (present && hasSignedInSince(open, present))
      return redirectWithin(`${context.basePath}/select_account?interaction=${open.handle}`)
    const user = present && (await User.find(context, present.sub))
    return show(call, context, open, 200, {
      username: open.interaction.params?.login_hint ?? user?.username,
    })
  },
  form: interactionForm('login'),
  post: submit,
})

/** In another tab, or before the Back button: the End-User need not sign in once more. */
const hasSignedInSince = ({ interaction }: OpenInteraction, { authenticated_at }: Session): boolean =>
  authenticated_at > interaction.asked_at && !interaction.account_chosen && interaction.pending === undefined

/** A sign-in without an authorization request: it ends on the account page, or on the start page when there is none. */
async function beginSignIn(call: Call, context: Context): Promise<Reply> {
  const { browser, cookies } = ensureBrowser(call, context)
  const landing = context.table.endpoints.some(({ path }) => path === accountPath) ? accountPath : '/'
  const what = { return_to: `${context.basePath}${landing}` }
  const handle = await beginInteraction(call, context, browser, what)
  return redirectWithin(`${context.basePath}/login?interaction=${handle}`, cookies)
}

async function show(
  call: Call,
  context: Context,
  open: OpenInteraction,
  status: number,
  view: { username?: string | undefined; error?: Said },
): Promise<Reply> {
  const { params } = open.interaction
  const client = params?.client_id === undefined ? undefined : await findClient(context, params.client_id)
  const methods = await Promise.all(
    context.table.loginMethods.map((method) => method.view(call, context, { ...open, client })),
  )
  const shown = client ? clientOfSignIn(client, params?.redirect_uri, call, context) : {}
  const html = loginPage({
    ...formFields(call, context, 'login', open.handle),
    ...view,
    ...shown,
    loginMethods: methods.filter((each) => each !== undefined),
    loginLinks: context.table.loginLinks.flatMap(({ label, path }) => {
      const to = path(context, open)
      return to === undefined ? [] : [{ label: say(label), path: `${context.basePath}${to}` }]
    }),
  })
  return {
    ...page(status, html),
    imageSources: imageSources(shown),
    formTargets: [
      ...(params?.redirect_uri === undefined ? [] : formTarget(params.redirect_uri)),
      ...context.table.loginMethods.flatMap((method) => [...(method.formTargets?.(context) ?? [])]),
    ],
  }
}

async function submit(
  call: Call,
  context: Context,
  { fields, ...open }: OpenInteraction & Submitted,
): Promise<Reply> {
  const { username = '', password = '' } = fields
  try {
    const knownTo = (account: string) => browserKnownTo(call, context, account)
    const user = await checkPassword(context, {
      username,
      password,
      address: call.address,
      call,
      knownTo,
      request: () => refusalFields(call),
    })
    if (user) return await signIn(call, context, firstFactorNeeded(open), { user, amr: ['pwd'] })
  } catch (error) {
    if (!(error instanceof RefusedError) || error.refusal.retryAfter === undefined) throw error
    logRefusal(error, call, context)
    const said = error.refusal.say ?? say('error.too_many_requests')
    const reply = await show(call, context, open, error.status, { username, error: said })
    return { ...reply, headers: { ...reply.headers, 'retry-after': `${error.refusal.retryAfter}` } }
  }
  return show(call, context, open, 401, {
    username,
    error: say('login.wrong'),
  })
}
