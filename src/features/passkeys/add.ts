/** /account/passkeys/add: adds a passkey after a fresh sign-in with all factors that are set up. https://www.w3.org/TR/webauthn-3/#sctn-usecase-registration */
import type { Context } from '../../contracts/context.ts'
import { accountForm, signedInForm } from '../../flow/account_form.ts'
import { defineEndpoint } from '../../contracts/endpoint.ts'
import { type SignedInPerson, pageOfPerson } from '../../flow/signed_in_person.ts'
import { stronglySignedIn } from '../../flow/second_factors.ts'
import { accountPage } from '../../flow/account_page.ts'
import type { Call } from '../../contracts/call.ts'
import { page, redirectWithin } from '../../http/reply.ts'
import type { Reply } from '../../contracts/reply.ts'
import { type MessageKey, say } from '../../lib/say.ts'
import { purpose, toList } from './account.ts'
import { creationOptions, type ChallengeBinding } from './ceremony.ts'
import { enrolPasskey } from './enrol.ts'
import { addition, ceremonyView, otherWay } from './pages.ts'
import { accountPath, addPath } from './paths.ts'

const bindingOf = ({ session, user }: SignedInPerson): ChallengeBinding & { sub: string } => ({
  purpose: 'registration',
  at: { session: session.sid },
  sub: user.sub,
})

export const addPage = defineEndpoint({
  name: 'account_passkeys_add',
  path: addPath,
  advertised: false,
  limited: true,
  page: true,
  repetition: 'refused', // a challenge is answered once
  get: pageOfPerson(addPath, (call, context, person) => showAdd(call, context, person), stronglySignedIn),
  form: signedInForm(addPath, purpose, stronglySignedIn),
  async post(call, context, { fields, ...person }) {
    if (fields.later !== undefined) return redirectWithin(`${context.basePath}${accountPath}`)
    const problem = await enrolPasskey(call, context, bindingOf(person), person.user, fields.credential ?? '')
    return problem === undefined ? toList(context, 'added') : showAdd(call, context, person, problem)
  },
})

async function showAdd(
  call: Call,
  context: Context,
  person: SignedInPerson,
  problem?: MessageKey,
): Promise<Reply> {
  const { csrf, cookies } = accountForm(call, context, person.session, purpose)
  const form = { action: `${context.basePath}${addPath}`, fields: { csrf_token: csrf } }
  const options = await creationOptions(context, bindingOf(person), person.user)
  const html = accountPage(context, {
    current: accountPath,
    title: say('passkeys.add'),
    main: addition({
      ceremony: ceremonyView(context, { ceremony: 'create', form, label: say('passkeys.make'), options }),
      other: otherWay(form, 'passkeys.back'),
    }),
    problem: problem && say(problem),
  })
  return { ...page(problem ? 400 : 200, html), cookies }
}
