/** Sign-in with a passkey only: its user handle identifies the End-User. https://www.w3.org/TR/webauthn-3/#discoverable-credential */
import type { Context } from '../../contracts/context.ts'
import { defineEndpoint } from '../../contracts/endpoint.ts'
import { formFields, interactionForm } from '../../flow/interaction_page.ts'
import { firstFactorNeeded, signIn } from '../../flow/sign_in.ts'
import type { Call } from '../../contracts/call.ts'
import { countAddress } from '../../people/rate_limit.ts'
import { json, page } from '../../http/reply.ts'
import { say } from '../../lib/say.ts'
import type { LoginMethod } from '../../contracts/feature.ts'
import { type ChallengeBinding, requestOptions } from './ceremony.ts'
import { backLink, ceremonyView, type Form, stepPage } from './pages.ts'
import { signInOptionsPath, signInPath } from './paths.ts'
import { passkeyAmr, usePasskey } from './use.ts'

const purpose = signInPath.slice(1)

/** `formFields` in the shape of `Form`. */
export function ceremonyForm(call: Call, context: Context, name: string, handle: string): Form {
  const { action, csrf, interaction } = formFields(call, context, name, handle)
  return { action, fields: { csrf_token: csrf, interaction } }
}

export const loginMethod: LoginMethod = {
  name: 'passkey',
  view: async (call, context, { handle }) =>
    ceremonyView(context, {
      ceremony: 'get',
      form: ceremonyForm(call, context, purpose, handle),
      label: say('passkeys.sign_in'),
      options: { from: `${context.basePath}${signInOptionsPath}` },
      primary: false,
    }),
}

const bindingOf = (handle: string): ChallengeBinding => ({ purpose: 'sign_in', at: { interaction: handle } })

/** Each call stores a challenge for five minutes. A page calls when it opens and then every four minutes. */
const optionsPerAddress = { limit: 600, window: 300 }

export const signInOptions = defineEndpoint({
  name: 'passkey_sign_in_options',
  path: signInOptionsPath,
  advertised: false,
  limited: true,
  api: false,
  form: interactionForm(purpose),
  async post(call, context, { handle }) {
    const { limit, window } = optionsPerAddress
    await countAddress(context, 'passkey_options', call.address, limit, window)
    return json(200, await requestOptions(context, bindingOf(handle)))
  },
})

export const passkeySignIn = defineEndpoint({
  name: 'passkey_sign_in',
  path: signInPath,
  advertised: false,
  limited: true,
  page: true,
  repetition: 'refused', // a challenge is answered once
  form: interactionForm(purpose),
  async post(call, context, { fields, ...open }) {
    const user = await usePasskey(call, context, bindingOf(open.handle), fields.credential ?? '')
    if (user) return signIn(call, context, firstFactorNeeded(open), { user, amr: [...passkeyAmr] })
    const back = `${context.basePath}/login?interaction=${open.handle}`
    return page(
      401,
      stepPage({
        title: 'passkeys.refused_title',
        text: 'passkeys.refused',
        ceremony: [],
        other: backLink({ path: back }),
      }),
    )
  },
})
