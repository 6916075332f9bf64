/** The language of a response: from `ui_locales`, the End-User's choice, or the browser. */
import type { Context } from '../contracts/context.ts'
import type { Language } from '../lib/say.ts'
import type { Call } from '../contracts/call.ts'
import { cookieName, readCookie, setCookie } from './cookie.ts'
import type { Setting } from '../html/view.ts'
import { acceptedLanguages, firstSupported } from '../html/words.ts'

const cookie = 'language'
/** A year, in seconds. */
const remembered = 31_536_000

export const rememberLanguage = (language: Language, context: Context): string =>
  setCookie(context.config, cookie, language, remembered)

/** `ui_locales`, from the interaction if a page set it, else from the query. It is read leniently, since error pages need it too. */
export const askedLocales = ({ uiLocales, search }: Call): string =>
  uiLocales ?? (search.includes('ui_locales=') ? (new URLSearchParams(search).get('ui_locales') ?? '') : '')

/** `ui_locales` first (OpenID Connect Core §3.1.2.1), then the cookie, then Accept-Language, then DEFAULT_LANGUAGE. */
export function languageOf(call: Call, context: Context): Language {
  const chosen = readCookie(call, cookieName(context.config, cookie))
  return (
    firstSupported(askedLocales(call).split(' ')) ??
    firstSupported(chosen === undefined ? [] : [chosen]) ??
    firstSupported(acceptedLanguages(call.request.headers.get('accept-language'))) ??
    context.config.defaultLanguage
  )
}

/** A local path with the `ui_locales` of this request. */
export function inSameLanguage(call: Call, path: string): string {
  const locales = askedLocales(call)
  if (locales === '') return path
  return `${path}${path.includes('?') ? '&' : '?'}ui_locales=${encodeURIComponent(locales)}`
}

export function settingOf(call: Call, context: Context, language = languageOf(call, context)): Setting {
  const { method, path, search } = call
  const query = search === '' ? '' : `?${search}`
  return {
    ...context.looks,
    words: context.looks.wordsOf(language),
    here: method === 'GET' ? `${context.basePath}${path}${query}` : undefined,
  }
}
