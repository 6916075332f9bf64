/** /device: the End-User types the code of a device, sees the client and the scope, and approves or denies. https://www.rfc-editor.org/rfc/rfc8628#section-3.3 */
import { check } from '../../auth/check.ts'
import { note } from '../../models/audit/note.ts'
import { ownMember } from '../../lib/own_member.ts'
import { OAuthError } from '../../auth/errors.ts'
import type { Context } from '../../contracts/context.ts'
import { defineEndpoint, type Submitted } from '../../contracts/endpoint.ts'
import { accountForm, signedInForm } from '../../flow/account_form.ts'
import { askForOther, type SignedInPerson, signedInPerson } from '../../flow/signed_in_person.ts'
import { stepUpFirst } from '../../flow/step_up.ts'
import { createApproved } from '../../flow/approved_grant.ts'
import { newGrant } from '../../grants/new_grant.ts'
import { query } from '../../http/call.ts'
import type { Call } from '../../contracts/call.ts'
import { imageSources } from '../../html/client_parts.ts'
import { shownClient } from '../../http/client_words.ts'
import { findClient } from '../../clients/find_client.ts'
import { inSameLanguage } from '../../http/language.ts'
import { countAddress, countTry } from '../../people/rate_limit.ts'
import { page, redirectWithin } from '../../http/reply.ts'
import type { Reply } from '../../contracts/reply.ts'
import { useSession } from '../../people/end_session.ts'
import { say, type Said } from '../../lib/say.ts'
import { Grant } from '../../models/grant.ts'
import { codePage, confirmPage, donePage } from './pages.ts'
import { findByUserCode, forgetUserCode, readUserCode, DeviceRequest } from './records.ts'
import { describeExtra } from '../../flow/grant_extra.ts'
import { seconds } from '../../lib/clock.ts'

export const devicePath = '/device'

/** The path to return to after a sign-in, with the code, so that it need not be typed again. */
function pathWith(userCode: string): string {
  const code = readUserCode(userCode)
  return code === undefined ? devicePath : `${devicePath}?user_code=${code}`
}

const enterPurpose = 'device'
/** The CSRF token of an answer is good for one code alone. */
const confirmPurpose = (userCode: string | undefined) => `device ${userCode}`

const isAnswer = ({ allow, deny }: Submitted['fields']): boolean => allow !== undefined || deny !== undefined

const purposeOf = (fields: Submitted['fields']): string =>
  isAnswer(fields) ? confirmPurpose(readUserCode(fields.user_code ?? '')) : enterPurpose

export const verification = defineEndpoint({
  name: 'device_verification',
  path: devicePath,
  advertised: false,
  limited: true,
  page: true,
  async get(call, context) {
    const { user_code = '', other, done } = query(call, context)
    if (done !== undefined) return page(200, donePage(done === 'approved'))
    if (other !== undefined) return askForOther(call, context, pathWith(user_code))
    const person = await signedInPerson(call, context, pathWith(user_code))
    return 'reply' in person ? person.reply : showCode(call, context, person, user_code)
  },
  form: signedInForm(({ user_code = '' }) => pathWith(user_code), purposeOf),
  async post(call, context, { fields, ...person }) {
    const { user_code = '' } = fields
    const found = await findTyped(call, context, person, readUserCode(user_code))
    if (!found) return showCode(call, context, person, user_code, say('device.unknown'))
    const client = await findClient(context, found.request.client_id)
    const first = client && (await stepUpFirst(call, context, person, client, pathWith(user_code)))
    if (first) return first
    return isAnswer(fields)
      ? decide(call, context, person, found, fields.allow !== undefined)
      : showConfirm(call, context, person, found.request)
  },
})

/** §5.1: all attempts, right ones too, are counted by End-User and by network address before the lookup. */
async function findTyped(
  call: Call,
  context: Context,
  { user }: SignedInPerson,
  userCode: string | undefined,
) {
  await Promise.all([
    countTry(context, 'user_code', user.sub, 20, 600, { sub: user.sub }),
    countAddress(context, 'user_code', call.address, 60, 600),
  ])
  const found = userCode === undefined ? undefined : await findByUserCode(context, userCode)
  // The code of a request that was answered is known until it is forgotten.
  check(!found || found.request.status === 'pending', wasAnswered)
  return found
}

/** The page with the code, for another account. */
function otherPath(call: Call, context: Context, userCode: string): string {
  const path = pathWith(userCode)
  return inSameLanguage(call, `${context.basePath}${path}${path.includes('?') ? '&' : '?'}other=yes`)
}

function showCode(
  call: Call,
  context: Context,
  { session, user }: SignedInPerson,
  userCode: string,
  error?: Said,
): Reply {
  const { csrf, cookies } = accountForm(call, context, session, enterPurpose)
  const html = codePage({
    action: inSameLanguage(call, `${context.basePath}${devicePath}`),
    csrf,
    userCode,
    username: user.username,
    other: otherPath(call, context, userCode),
    ...(error !== undefined && { error }),
  })
  return { ...page(error === undefined ? 200 : 400, html), cookies }
}

async function showConfirm(
  call: Call,
  context: Context,
  person: SignedInPerson,
  request: DeviceRequest,
): Promise<Reply> {
  const client = await findClient(context, request.client_id)
  check(client, clientGone)
  const { csrf, cookies } = accountForm(call, context, person.session, confirmPurpose(request.user_code))
  const shown = shownClient(client, call, context)
  const html = confirmPage({
    action: inSameLanguage(call, `${context.basePath}${devicePath}`),
    csrf,
    userCode: request.user_code,
    ...shown,
    unverified: client.self_registered,
    username: person.user.username,
    other: otherPath(call, context, request.user_code),
    scopes: request.scope.map((name) => ({
      name,
      description: ownMember(context.scopeDescriptions, name) ?? name,
    })),
    details: describeExtra(request.extra, context),
  })
  return { ...page(200, html), cookies, imageSources: imageSources(shown) }
}

async function decide(
  call: Call,
  context: Context,
  person: SignedInPerson,
  { id, request }: { id: string; request: DeviceRequest },
  allowed: boolean,
): Promise<Reply> {
  const client = await findClient(context, request.client_id)
  check(client, clientGone)
  const left = Math.max(1, request.expires_at - seconds(context.clock))
  // The grant does not end with the session that approved it.
  const grant = allowed
    ? {
        ...newGrant(context, client, person, { scope: request.scope, extra: request.extra }, left),
        session_bound: false,
      }
    : undefined
  if (grant && !(await createApproved(context, client, person, grant)))
    return redirectWithin(`${context.basePath}${pathWith(request.user_code)}`)
  // Decides: of two concurrent answers, only one counts. After the grant, so that an approved device always has one.
  const answered = await DeviceRequest.update(context, id, (current) =>
    current.status === 'pending'
      ? { ...current, status: allowed ? 'approved' : 'denied', ...(grant && { grant_id: grant.grant_id }) }
      : undefined,
  )
  if (!answered) {
    if (grant) await Grant.end(context, grant.grant_id)
    throw wasAnswered()
  }
  await forgetUserCode(context, request.user_code)
  if (grant) await useSession(context, person.session, client.client_id)
  await note(call, context, 'device_answered', { client_id: client.client_id, sub: person.user.sub, allowed })
  return {
    ...page(200, donePage(allowed)),
    again: `${context.basePath}${devicePath}?done=${allowed ? 'approved' : 'denied'}`,
  }
}

const wasAnswered = () =>
  new OAuthError('invalid_request', {
    rule: 'RFC 8628 §3.3',
    expected: 'a user_code that has no answer yet',
    problem: 'this code was answered already',
    say: say('error_page.answered'),
  })

const clientGone = () =>
  new OAuthError('invalid_request', {
    rule: 'RFC 8628 §3.3',
    expected: 'a registered client',
    problem: 'the client of this device is no longer registered',
    say: say('error_page.client_gone'),
  })
