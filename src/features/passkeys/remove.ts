/** /account/passkeys/remove: removes a passkey after a fresh sign-in, unless it is the last sign-in method. OWASP ASVS 5.0 V6.4 */
import type { Context } from '../../contracts/context.ts'
import { accountForm, signedInForm } from '../../flow/account_form.ts'
import { defineEndpoint } from '../../contracts/endpoint.ts'
import type { SignedInPerson } from '../../flow/signed_in_person.ts'
import { changeFactors, dropStandIns, stronglySignedIn } from '../../flow/second_factors.ts'
import { accountPage } from '../../flow/account_page.ts'
import { buttonForm } from '../../html/account_parts.ts'
import { query } from '../../http/call.ts'
import type { Call } from '../../contracts/call.ts'
import { page, redirectWithin } from '../../http/reply.ts'
import type { Reply } from '../../contracts/reply.ts'
import { type AccountEvent, isHalfDone } from '../../people/tell_owner.ts'
import { countSignInMethods } from '../../people/sign_in_methods.ts'
import { say } from '../../lib/say.ts'
import { User } from '../../models/user.ts'
import { purpose, toList } from './account.ts'
import { leastPasskeys } from './count.ts'
import { remove } from './pages.ts'
import { accountPath, removePath } from './paths.ts'
import { Passkey } from './records.ts'

const keyPattern = /^[\w-]{43}$/

export const removePage = defineEndpoint({
  name: 'account_passkeys_remove',
  path: removePath,
  advertised: false,
  limited: true,
  page: true,
  repetition: 'known', // the passkey is gone now
  async get(call, context) {
    const asked = query(call, context).passkey ?? ''
    const key = keyPattern.test(asked) ? asked : ''
    const person = await stronglySignedIn(call, context, key ? `${removePath}?passkey=${key}` : accountPath)
    if ('reply' in person) return person.reply
    const found = await ownPasskey(context, person, key)
    return found
      ? show(call, context, person, found.passkey, { status: 200, removable: found.removable })
      : redirectWithin(`${context.basePath}${accountPath}`)
  },
  form: signedInForm(accountPath, purpose, stronglySignedIn),
  async post(call, context, { fields, ...person }) {
    const { user } = person
    const found = await ownPasskey(context, person, fields.passkey ?? '')
    if (!found && !(await isHalfDone(context, user.sub, 'passkey_removed')))
      return redirectWithin(`${context.basePath}${accountPath}`)
    if (found && !found.removable)
      return show(call, context, person, found.passkey, { status: 400, removable: false })
    const event: AccountEvent = {
      kind: 'passkey_removed',
      detail: found?.passkey.name ?? '',
      ...(found && { more: { passkey: found.passkey.key } }),
    }
    let isLast = false
    const removed = await changeFactors(call, context, user, event, async () => {
      if (!found || !(await Passkey.remove(context, user.sub, found.passkey.key, found.minimum))) return false
      // A concurrent removal of a connection still counted this passkey, and this page counted that connection.
      const left = await User.find(context, user.sub)
      isLast =
        left !== undefined &&
        (await countSignInMethods(left, context)) === 0 &&
        (await Passkey.restore(context, found.passkey))
      return !isLast
    })
    if (!isLast) await dropStandIns(user, context)
    if (found && isLast) return show(call, context, person, found.passkey, { status: 400, removable: false })
    // Not removed: by a concurrent request, or it is the last one by now.
    if (!removed) return redirectWithin(`${context.basePath}${accountPath}`)
    return toList(context, 'removed')
  },
})

/** A passkey of this End-User, how many must stay, and whether this one may be removed. */
async function ownPasskey(context: Context, { user }: SignedInPerson, key: string) {
  const found = await Passkey.find(context, key)
  if (found?.passkey.sub !== user.sub) return undefined
  const minimum = await leastPasskeys(user, context)
  return { passkey: found.passkey, minimum, removable: found.owner.passkeys.length > minimum }
}

function show(
  call: Call,
  context: Context,
  { session }: SignedInPerson,
  { key, name }: Passkey,
  { status, removable }: { status: number; removable: boolean },
): Reply {
  const { csrf, cookies } = accountForm(call, context, session, purpose)
  const html = accountPage(context, {
    current: accountPath,
    title: say('passkeys.remove_title'),
    main: remove({
      text: say(removable ? 'passkeys.remove_text' : 'passkeys.remove_last', { name }),
      form: removable
        ? buttonForm({
            action: `${context.basePath}${removePath}`,
            csrf,
            name: 'remove',
            text: say('passkeys.remove'),
            kind: 'danger',
            fields: { passkey: key },
          })
        : [],
      back: `${context.basePath}${accountPath}`,
    }),
  })
  return { ...page(status, html), cookies }
}
