/** Which language one request is answered in: what the application asked for, what the person chose, what the browser says. */
import type { Context } from '../context.ts'
import type { Language } from '../lib/say.ts'
import type { Call } from './call.ts'
import { cookieName, readCookie } from './cookie.ts'
import type { Setting } from './view.ts'
import { acceptedLanguages, firstSpoken, wordsOf } from './words.ts'

/** `ui_locales` first (OpenID Connect Core §3.1.2.1), then the cookie, then Accept-Language, then DEFAULT_LANGUAGE. */
export function languageOf(call: Call, context: Context): Language {
  const chosen = readCookie(call, cookieName(context.config, 'language'))
  return (
    firstSpoken((call.uiLocales ?? '').split(' ')) ??
    firstSpoken(chosen === undefined ? [] : [chosen]) ??
    firstSpoken(acceptedLanguages(call.request.headers.get('accept-language'))) ??
    context.config.defaultLanguage
  )
}

export const settingOf = (call: Call, context: Context): Setting => ({
  words: wordsOf(languageOf(call, context)),
  ...context.looks,
})
