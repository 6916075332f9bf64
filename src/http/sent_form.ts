/** The answer to a form that may come twice: a double click, a reload of the answer, the Back button. docs/decisions/0073-forms-sent-twice.md */
import { RefusedError } from '../auth/refusal.ts'
import type { Call } from '../contracts/call.ts'
import type { Context } from '../contracts/context.ts'
import type { Answer, Endpoint } from '../contracts/endpoint.ts'
import type { Reply } from '../contracts/reply.ts'
import { hmac } from '../lib/hash.ts'
import { SentForm, type SentFormId } from '../models/sent_form.ts'
import { sidIn } from '../models/session.ts'
import { StoreUnavailable } from '../store/store.ts'
import { sessionCookie } from './base_session.ts'
import { cookieName, readCookie } from './cookie.ts'
import { browserOf } from './csrf.ts'
import { redirectWithin } from './reply.ts'

/** How often and how long a repetition waits for the answer to the first. Milliseconds. */
const look = { every: 50, longest: 3_000 }

/** The parts of `post` of a page: `form` checks, `submit` answers. */
interface FormEndpoint {
  form: NonNullable<Endpoint['form']>
  submit: NonNullable<Endpoint['submit']>
  repetition: Endpoint['repetition']
}

/**
 * `post` of a page. A repetition that is refused is led where the first form led; it gets no cookie, so that it opens
 * nothing. It must be equal in every field, CSRF token and password included, and come from the same browser and session.
 */
export const answerOnce =
  ({ form, submit, repetition }: FormEndpoint): Answer =>
  async (call, context) => {
    const admitted = await attempt(() => form(call, context))
    const sent = await idOf(call, context)
    const earlier = repetition === 'refused' ? undefined : sent
    if ('thrown' in admitted) return orWhereItLed(call, context, earlier, admitted)
    const submitted = admitted.value
    if (!('fields' in submitted)) return orWhereItLed(call, context, earlier, { value: submitted.reply })
    // A form without a token changes nothing of a person.
    if (!sent || submitted.fields.csrf_token === undefined) return submit(call, context, submitted)
    const known = repetition === 'known' ? await whereItLed(call, context, earlier, 0) : undefined
    if (known) return known
    const isFirst = await SentForm.begin(context, sent)
    // Beside the first one, the repetition could be the one that succeeds, and the first one would be refused.
    const led = isFirst ? undefined : await whereAnotherLeads(call, context, earlier)
    if (led) return led
    const answered = await attempt(async () => submit(call, context, submitted))
    const reply = 'value' in answered ? answered.value : undefined
    if (reply && reply.status < 400) {
      await note(call, context, sent, reply)
      return reply
    }
    if (!isFirst) return orWhereItLed(call, context, earlier, answered)
    await whenAvailable(() => SentForm.forget(context, sent))
    return valueOf(answered)
  }

type Attempt<T> = { value: T } | { thrown: unknown }

async function attempt<T>(run: () => Promise<T>): Promise<Attempt<T>> {
  try {
    return { value: await run() }
  } catch (thrown) {
    return { thrown }
  }
}

function valueOf<T>(attempted: Attempt<T>): T {
  if ('thrown' in attempted) throw attempted.thrown
  return attempted.value
}

/** Undefined for a form that was not read: its browser is unknown, or another site sent it. */
async function idOf(call: Call, context: Context): Promise<SentFormId | undefined> {
  const browser = browserOf(call, context)
  if (browser === undefined || call.body === undefined) return undefined
  const body = await call.body.catch(() => undefined)
  if (body === undefined) return undefined
  // A name in the store: of the instances of a change of SECRET_KEY, each must find what another began.
  const key = context.secrets.lasting('csrf')
  const digest = (...parts: string[]) => hmac(key, `sent form\n${parts.join('\n')}`)
  return { browser: digest(browser), form: digest(browser, call.path, call.search, body) }
}

/**
 * Whether the first form may have done what this one is refused. A limit is told as what it is: "send again" has sent nothing.
 * So are faults of this provider, and forms of other sites.
 */
function mayHaveBeenDone(refused: Attempt<Reply>): boolean {
  const answer = 'value' in refused ? refused.value : refused.thrown
  if (answer instanceof Error && !(answer instanceof RefusedError)) return false
  const { status, code } = answer as { status: number; code?: string }
  return status < 500 && status !== 429 && code !== 'foreign_form'
}

async function orWhereItLed(
  call: Call,
  context: Context,
  sent: SentFormId | undefined,
  refused: Attempt<Reply>,
): Promise<Reply> {
  if (!mayHaveBeenDone(refused) || !sent || !(await SentForm.mayLook(context, sent))) return valueOf(refused)
  return (await whereItLed(call, context, sent)) ?? valueOf(refused)
}

/** Where a form leads that is being answered now; undefined when it was answered before, or is refused. */
async function whereAnotherLeads(
  call: Call,
  context: Context,
  sent: SentFormId | undefined,
): Promise<Reply | undefined> {
  const found = sent && (await SentForm.find(context, sent))
  return found && found.to === undefined ? whereItLed(call, context, sent) : undefined
}

async function whereItLed(
  call: Call,
  context: Context,
  sent: SentFormId | undefined,
  longest = look.longest,
): Promise<Reply | undefined> {
  if (!sent) return undefined
  let found = await SentForm.find(context, sent)
  for (let waited = 0; found && found.to === undefined && waited < longest; waited += look.every) {
    await Bun.sleep(look.every)
    found = await SentForm.find(context, sent)
  }
  if (found?.to === undefined || !found.sids.includes(sidOfBrowser(call, context))) return undefined
  context.log.info('form_repeated', { request_id: call.requestId, path: call.path, address: call.address })
  return redirectWithin(found.to)
}

/** Without a path to lead to, the form is forgotten: it may be sent again. */
async function note(call: Call, context: Context, sent: SentFormId, reply: Reply): Promise<void> {
  const { location } = reply.headers
  const to = reply.again ?? (location?.startsWith('/') ? location : undefined)
  const before = sidOfBrowser(call, context)
  await whenAvailable(async () =>
    to === undefined
      ? SentForm.forget(context, sent)
      : SentForm.note(context, sent, to, [before, sidSet(reply, context) ?? before]),
  )
}

/** What was done stays done when the store fails now. */
async function whenAvailable(write: () => Promise<unknown>): Promise<void> {
  try {
    await write()
  } catch (error) {
    if (!(error instanceof StoreUnavailable)) throw error
  }
}

/** The session that the cookie names, '' for none. Its secret may have been replaced by the first form. */
const sidOfBrowser = (call: Call, context: Context): string =>
  sidIn(readCookie(call, sessionCookie(call, context)) ?? '')

/** The session whose cookie the reply sets, '' when it deletes the cookie. */
function sidSet({ cookies = [] }: Reply, { config }: Context): string | undefined {
  const start = `${cookieName(config, 'session')}=`
  const line = cookies.findLast((each) => each.startsWith(start))
  return line === undefined ? undefined : sidIn(line.slice(start.length).split(';')[0]!)
}
