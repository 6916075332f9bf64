/** Messages in eleven languages: the catalogs of `languages/`, their plural forms, and the choice for one request. https://www.rfc-editor.org/rfc/rfc4647#section-3.4 */
import { readFileSync } from 'node:fs'
import ar from '../../languages/ar.json' with { type: 'file' }
import de from '../../languages/de.json' with { type: 'file' }
import en from '../../languages/en.json' with { type: 'file' }
import es from '../../languages/es.json' with { type: 'file' }
import fr from '../../languages/fr.json' with { type: 'file' }
import it from '../../languages/it.json' with { type: 'file' }
import ja from '../../languages/ja.json' with { type: 'file' }
import pl from '../../languages/pl.json' with { type: 'file' }
import pt from '../../languages/pt.json' with { type: 'file' }
import tr from '../../languages/tr.json' with { type: 'file' }
import zh from '../../languages/zh.json' with { type: 'file' }
import { lazy } from '../lib/lazy.ts'
import {
  isSaid,
  type Language,
  languages,
  type MessageKey,
  type MessageValue,
  type Said,
} from '../lib/say.ts'

/** A text, or a text for each plural category of the language (https://cldr.unicode.org/index/cldr-spec/plural-rules). */
export type Message = string | Readonly<Record<string, string>>
export type Catalog = Readonly<Record<string, Message>>

/** Each catalog is read when its language is first used, so that the start reads none. Bun makes these imports file paths, whatever their type says. */
const files: Readonly<Record<Language, unknown>> = { en, de, fr, es, pt, it, pl, tr, ja, zh, ar }

const rightToLeft: ReadonlySet<Language> = new Set(['ar'])

export interface Words {
  /** BCP 47, for `lang`. */
  tag: Language
  dir: 'ltr' | 'rtl'
  /** Literal text and `{names}` alternating: even indexes are text. Plural forms are chosen by `values.n`. */
  pieces(key: MessageKey, values: Readonly<Record<string, unknown>>): readonly string[]
  /** As plain text, for titles, attributes and mails. */
  text(said: Said): string
  /** One value of a message as plain text. */
  show(value: MessageValue | undefined): string
}

const wordsByLanguage = new Map<Language, Words>()

export function wordsOf(tag: Language): Words {
  let words = wordsByLanguage.get(tag)
  if (!words) wordsByLanguage.set(tag, (words = createWords(tag)))
  return words
}

const readCatalog = (tag: Language): Catalog =>
  JSON.parse(readFileSync(files[tag] as string, 'utf8')) as Catalog

const english = lazy(() => readCatalog('en') as Readonly<Record<MessageKey, Message>>)

/** `overrides` replace messages of the catalog, for themes. */
export function createWords(tag: Language, overrides: Catalog = {}): Words {
  const catalog = lazy((): Catalog => ({ ...(tag === 'en' ? english() : readCatalog(tag)), ...overrides }))
  // Created when first used: together they take a fifth of the start time.
  let rules: Intl.PluralRules | undefined
  let clock: Intl.DateTimeFormat | undefined
  const plural = (n: number) => (rules ??= new Intl.PluralRules(tag)).select(n)
  const moment = (at: Date) =>
    (clock ??= new Intl.DateTimeFormat(tag, {
      dateStyle: 'long',
      timeStyle: 'short',
      timeZone: 'UTC',
    })).format(at)
  const split = new Map<string, readonly string[]>()
  const pieces: Words['pieces'] = (key, values) => {
    const message: Message = catalog()[key] ?? english()[key]
    const source =
      typeof message === 'string' ? message : (message[plural(Number(values.n))] ?? message.other!)
    let found = split.get(source)
    if (!found) split.set(source, (found = source.split(/\{([a-zA-Z]+)\}/)))
    return found
  }
  const show = (value: MessageValue | undefined): string => {
    if (value === undefined) return ''
    if (isSaid(value)) return text(value)
    return value instanceof Date ? `${moment(value)} UTC` : `${value}`
  }
  const text = ({ key, values }: Said): string =>
    pieces(key, values)
      .map((piece, at) => (at % 2 === 0 ? piece : show(values[piece])))
      .join('')
  return { tag, dir: rightToLeft.has(tag) ? 'rtl' : 'ltr', pieces, text, show }
}

/** The names in `{braces}` of a message in the English catalog. */
export const namesIn = (key: MessageKey): string[] => namesInMessage(english()[key])

export function namesInMessage(message: Message): string[] {
  const sources = typeof message === 'string' ? [message] : Object.values(message)
  return [
    ...new Set(
      sources.flatMap((source) => [...source.matchAll(/\{([a-zA-Z]+)\}/g)].map(([, name]) => name!)),
    ),
  ]
}

export const isMessageKey = (key: string): key is MessageKey => Object.hasOwn(english(), key)

/** The first of `wanted` (BCP 47 tags, best first) that is supported; `pt` serves `pt-BR`. */
export function firstSupported(wanted: readonly string[]): Language | undefined {
  for (const tag of wanted) {
    const supported = languages.find((each) => each === tag.toLowerCase().split('-')[0])
    if (supported !== undefined) return supported
  }
  return undefined
}

/** The tags of an Accept-Language header, best first; those with `q=0` are left out. https://www.rfc-editor.org/rfc/rfc9110#section-12.5.4 */
export function acceptedLanguages(header: string | null): string[] {
  return (header ?? '')
    .slice(0, 1000)
    .split(',')
    .map((each) => {
      const [tag = '', ...rest] = each.trim().split(/\s*;\s*/)
      const quality = rest.find((part) => part.startsWith('q='))
      return { tag, quality: quality === undefined ? 1 : Number(quality.slice(2)) }
    })
    .filter(({ tag, quality }) => /^[a-z]{2,3}(-[a-z0-9]{1,8})*$/i.test(tag) && quality > 0)
    .sort((a, b) => b.quality - a.quality)
    .map(({ tag }) => tag)
}
