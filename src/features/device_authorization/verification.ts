/** The pages where a person types the code of a device, sees who asks for what, and answers. https://www.rfc-editor.org/rfc/rfc8628#section-3.3 */
import { OAuthError } from '../../auth/errors.ts'
import type { Context } from '../../contracts/context.ts'
import { defineEndpoint } from '../../contracts/endpoint.ts'
import { ownPage } from '../../openapi/parts.ts'
import { type AtHand, personAtHand } from '../../flow/person_at_hand.ts'
import { raisedFirst } from '../../flow/step_up.ts'
import { grantLifetime } from '../../grants/authorization_code.ts'
import { newGrant } from '../../grants/new_grant.ts'
import { form, query } from '../../http/call.ts'
import type { Call } from '../../contracts/call.ts'
import { imageSources } from '../../html/client_parts.ts'
import { shownClient } from '../../http/client_words.ts'
import { findClient } from '../../http/client_authentication.ts'
import { csrfToken, ensureBrowser, requireOwnForm } from '../../http/csrf.ts'
import { inSameLanguage } from '../../http/language.ts'
import { countAddress, countTry } from '../../people/rate_limit.ts'
import { page } from '../../http/reply.ts'
import type { Reply } from '../../contracts/reply.ts'
import { lifetimesOf } from '../../people/end_session.ts'
import { say, type Said } from '../../lib/say.ts'
import { Grant } from '../../models/grant.ts'
import { Session } from '../../models/session.ts'
import { codePage, confirmPage, donePage } from './pages.ts'
import { findByUserCode, forgetUserCode, readUserCode, Waiting } from './records.ts'
import { describeExtra } from '../../flow/grant_extra.ts'

export const devicePath = '/device'

export const verification = defineEndpoint({
  name: 'device_verification',
  path: devicePath,
  methods: ['GET', 'POST'],
  advertised: false,
  limited: true,
  page: true,
  api: ownPage('Type the code that a device shows'),
  async handle(call, context) {
    const fields = call.method === 'POST' ? await form(call, context) : query(call, context)
    const userCode = fields.user_code ?? ''
    const kept = readUserCode(userCode)
    const person = await personAtHand(
      call,
      context,
      kept === undefined ? devicePath : `${devicePath}?user_code=${kept}`,
    )
    if ('reply' in person) return person.reply
    if (call.method === 'GET') return showCode(call, context, userCode)
    const answered = fields.allow !== undefined || fields.deny !== undefined
    requireOwnForm(call, context, fields.csrf_token, answered ? confirming(person, kept) : entering)
    const found = await findTyped(call, context, person, kept)
    if (!found) return showCode(call, context, userCode, say('device.unknown'))
    const client = await findClient(context, found.waiting.client_id)
    const first =
      client && (await raisedFirst(call, context, person, client, `${devicePath}?user_code=${kept}`))
    if (first) return first
    return answered
      ? decide(context, person, found, fields.allow !== undefined)
      : showConfirm(call, context, person, found.waiting)
  },
})

const entering = 'device'
/** Good for this code and for the person who saw it. */
const confirming = ({ session }: AtHand, userCode: string | undefined) => `device ${session.sid} ${userCode}`

/** §5.1: guesses are counted by person and by address before any is looked up; right ones too. */
async function findTyped(call: Call, context: Context, { user }: AtHand, userCode: string | undefined) {
  await Promise.all([
    countTry(context, 'user_code', user.sub, 20, 600),
    countAddress(context, 'user_code', call.address, 60, 600),
  ])
  const found = userCode === undefined ? undefined : await findByUserCode(context, userCode)
  return found?.waiting.status === 'pending' ? found : undefined
}

function showCode(call: Call, context: Context, userCode: string, error?: Said): Reply {
  const { browser, cookies } = ensureBrowser(call, context)
  const html = codePage({
    action: inSameLanguage(call, `${context.basePath}${devicePath}`),
    csrf: csrfToken(context, browser, entering),
    userCode,
    ...(error !== undefined && { error }),
  })
  return { ...page(error === undefined ? 200 : 400, html), cookies }
}

async function showConfirm(call: Call, context: Context, person: AtHand, waiting: Waiting): Promise<Reply> {
  const client = await findClient(context, waiting.client_id)
  if (!client)
    throw new OAuthError('invalid_request', 'the application of this device is no longer registered', {
      say: say('error_page.client_gone'),
    })
  const { browser, cookies } = ensureBrowser(call, context)
  const shown = shownClient(client, call, context)
  const html = confirmPage({
    action: inSameLanguage(call, `${context.basePath}${devicePath}`),
    csrf: csrfToken(context, browser, confirming(person, waiting.user_code)),
    userCode: waiting.user_code,
    ...shown,
    unverified: client.self_registered,
    username: person.user.username,
    scopes: waiting.scope.map((name) => ({ name, description: context.scopeDescriptions[name] ?? name })),
    details: describeExtra(waiting.extra, context),
  })
  return { ...page(200, html), cookies, imageSources: imageSources(shown) }
}

async function decide(
  context: Context,
  person: AtHand,
  { id, waiting }: { id: string; waiting: Waiting },
  allowed: boolean,
): Promise<Reply> {
  const client = await findClient(context, waiting.client_id)
  if (!client)
    throw new OAuthError('invalid_request', 'the application of this device is no longer registered', {
      say: say('error_page.client_gone'),
    })
  // The code first: of two answers at once, one counts.
  if (!(await forgetUserCode(context, waiting.user_code)))
    throw new OAuthError('invalid_request', 'this code was answered already', {
      say: say('error_page.answered'),
    })
  const left = Math.max(1, waiting.exp - Math.floor(context.clock.now() / 1000))
  const grant = allowed
    ? newGrant(context, client, person, { scope: waiting.scope, extra: waiting.extra }, left)
    : undefined
  if (grant) {
    // A device stays connected when the browser that approved it signs out.
    await Grant.create(context, { ...grant, session_bound: false }, grantLifetime(client, context))
    await Session.touch(context, person.session, lifetimesOf(context), client.client_id)
  }
  await Waiting.update(context, id, (current) => ({
    ...current,
    status: allowed ? 'approved' : 'denied',
    ...(grant && { grant_id: grant.grant_id }),
  }))
  context.log.info('device_answered', { client_id: client.client_id, sub: person.user.sub, allowed })
  return page(200, donePage(allowed))
}
