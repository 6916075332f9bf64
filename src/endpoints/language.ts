/** The form at the foot of each page: remembers a language and shows the page again. */
import { OAuthError } from '../auth/errors.ts'
import type { Context } from '../contracts/context.ts'
import { form } from '../http/call.ts'
import type { Call } from '../contracts/call.ts'
import { browserOf, requireSameOrigin } from '../http/csrf.ts'
import { languagePath } from '../html/document.ts'
import { rememberLanguage } from '../http/language.ts'
import { redirectWithin, withinUrl } from '../http/reply.ts'
import { currentSession } from '../http/session.ts'
import { type Language, languages } from '../lib/say.ts'
import { Interaction } from '../models/interaction.ts'
import { User } from '../models/user.ts'
import { defineEndpoint } from '../contracts/endpoint.ts'

export const language = defineEndpoint({
  name: 'language',
  path: languagePath,
  advertised: false,
  limited: true,
  page: true,
  // No token: a form that another page sent could change the language of the pages, and nothing more.
  async form(call, context) {
    requireSameOrigin(call, context)
    return { fields: await form(call, context) }
  },
  async post(call, context, { fields: { language: wanted, back = '' } }) {
    const chosen = languages.find((each) => each === wanted)
    if (chosen === undefined)
      throw new OAuthError('invalid_request', {
        rule: 'RFC 9110 §15.5.1',
        expected: `language must be one of ${languages.join(', ')}`,
        came: wanted,
      })
    const target = localUrl(back, context)
    // What the application asked for comes before a cookie; what the person says now comes before both.
    if (target.searchParams.has('ui_locales')) target.searchParams.set('ui_locales', chosen)
    await chooseFor(target.searchParams.get('interaction'), chosen, call, context)
    await rememberForMails(chosen, call, context)
    return redirectWithin(withinUrl(target.pathname + target.search), [rememberLanguage(chosen, context)])
  },
})

/** The page of ours that `back` names; our start page for whatever else it is. */
function localUrl(back: string, { basePath }: Context): URL {
  const nowhere = 'http://nowhere.invalid'
  const found = /^\/(?![/\\])[\x21-\x7e]*$/.test(back) ? URL.parse(back, nowhere) : null
  const local = found?.origin === nowhere && found.pathname.startsWith(`${basePath}/`)
  return local && !found.pathname.startsWith('//') ? found : new URL(`${basePath}/`, nowhere)
}

/** The pages still to come of the same sign-in. */
async function chooseFor(handle: string | null, chosen: string, call: Call, context: Context): Promise<void> {
  if (handle === null || !(await Interaction.find(context, handle, browserOf(call, context)))) return
  await Interaction.update(context, handle, (current) => ({ ...current, language: chosen }))
}

/** Mails reach whoever is signed in in the language of the pages. */
async function rememberForMails(language: Language, call: Call, context: Context): Promise<void> {
  const session = await currentSession(call, context)
  if (session) await User.update(context, session.sub, (user) => ({ ...user, language }))
}
