/** The language form in the footer of each page: stores the language and shows the page again. */
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
  atPageBases: true,
  advertised: false,
  limited: true,
  page: true,
  // No CSRF token: a forged form could only change the language of the pages.
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
    // `ui_locales` of the client takes precedence over the cookie, so it is replaced by what the End-User chose.
    if (target.searchParams.has('ui_locales')) target.searchParams.set('ui_locales', chosen)
    await chooseFor(target.searchParams.get('interaction'), chosen, call, context)
    await rememberForMails(chosen, call, context)
    return redirectWithin(withinUrl(target.pathname + target.search), [rememberLanguage(chosen, context)])
  },
})

/** The URL that `back` names on this provider; the start page when it is no local path. */
function localUrl(back: string, { basePath }: Context): URL {
  const nowhere = 'http://nowhere.invalid'
  const found = /^\/(?![/\\])[\x21-\x7e]*$/.test(back) ? URL.parse(back, nowhere) : null
  const local = found?.origin === nowhere && found.pathname.startsWith(`${basePath}/`)
  return local && !found.pathname.startsWith('//') ? found : new URL(`${basePath}/`, nowhere)
}

/** Stores the language for the following pages of the interaction. */
async function chooseFor(handle: string | null, chosen: string, call: Call, context: Context): Promise<void> {
  if (handle === null || !(await Interaction.find(context, handle, browserOf(call, context)))) return
  await Interaction.update(context, handle, (current) => ({ ...current, language: chosen }))
}

/** Stores the language for mails to the signed-in End-User. */
async function rememberForMails(language: Language, call: Call, context: Context): Promise<void> {
  const session = await currentSession(call, context)
  if (session) await User.update(context, session.sub, (user) => ({ ...user, language }))
}
