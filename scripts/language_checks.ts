/** Checks of the catalogs in `languages/`, for `scripts/languages.ts` and tests/unit/languages.test.ts. */
import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { Language } from '../src/lib/say.ts'

export type Message = string | Readonly<Record<string, string>>
export type Catalog = Readonly<Record<string, Message>>

const root = fileURLToPath(new URL('../', import.meta.url))

export const catalogPath = (tag: Language): string => `${root}languages/${tag}.json`

export const readCatalog = (tag: Language): Catalog =>
  JSON.parse(readFileSync(catalogPath(tag), 'utf8')) as Catalog

export const english: Catalog = readCatalog('en')

/** The plural categories of the language (CLDR). A message with a number needs a form for each. */
export const pluralForms = (tag: Language): string[] =>
  [...new Intl.PluralRules(tag).resolvedOptions().pluralCategories].sort()

const textsOf = (message: Message): string[] =>
  typeof message === 'string' ? [message] : Object.values(message)

const namesIn = (text: string): string[] => [...text.matchAll(/\{([^}]*)\}/g)].map(([, name]) => name!)

/** All `{names}` of a message, and those that each form must have: `n` may be written as a word ("one"). */
const namesOf = (message: Message): string =>
  [...new Set(textsOf(message).flatMap(namesIn))]
    .filter((name) => name !== 'n')
    .sort()
    .join(' ')

/** Words: a longer text that equals the English one was not translated. A shorter one may be a name. */
const longestShared = 3

/** The problem of `message` as the translation of `key` into `tag`; undefined when there is none. */
export function problemOf(tag: Language, key: string, message: Message | undefined): string | undefined {
  const source = english[key]
  if (source === undefined) return 'is not in en.json'
  if (message === undefined) return 'is missing'
  if (typeof message !== typeof source) return 'is a plural here or there, not in both'
  if (typeof message !== 'string') {
    const forms = Object.keys(message).sort().join(' ')
    if (forms !== pluralForms(tag).join(' '))
      return `has the forms ${forms}, needs ${pluralForms(tag).join(' ')}`
  }
  if (namesOf(message) !== namesOf(source)) return `has {${namesOf(message)}}, needs {${namesOf(source)}}`
  for (const text of textsOf(message)) {
    if (text.trim() !== text || text === '') return 'is empty, or has space round it'
    if (/[<>\p{Cc}]/u.test(text)) return 'has markup or control characters'
    if (namesIn(text).some((name) => !/^[a-zA-Z]+$/.test(name))) return 'has braces that are no name'
  }
  const words = typeof message === 'string' ? message.split(' ').length : 0
  return tag !== 'en' && words > longestShared && message === source ? 'is still English' : undefined
}

/** The English text to translate into `tag`, with the plural forms of that language. */
export function missing(tag: Language): Record<string, Message> {
  const catalog = readCatalog(tag)
  const wanted = Object.entries(english).filter(([key]) => problemOf(tag, key, catalog[key]) !== undefined)
  return Object.fromEntries(wanted.map(([key, source]) => [key, inFormsOf(tag, source)]))
}

const inFormsOf = (tag: Language, source: Message): Message =>
  typeof source === 'string'
    ? source
    : Object.fromEntries(pluralForms(tag).map((form) => [form, source[form] ?? source.other!]))

/** All problems of one catalog, one line each. */
export function problemsOf(tag: Language): string[] {
  const catalog = readCatalog(tag)
  const keys = [...new Set([...Object.keys(english), ...Object.keys(catalog)])]
  const problems = keys.flatMap((key) => {
    const problem = problemOf(tag, key, catalog[key])
    return problem === undefined ? [] : [`${tag} ${key} ${problem}`]
  })
  const areas = Object.keys(catalog).map((key) => key.split('.')[0]!)
  const scattered = areas.filter((area, at) => area !== areas[at - 1] && areas.indexOf(area) < at)
  return [...problems, ...[...new Set(scattered)].map((area) => `${tag} ${area}.* stands in several places`)]
}

/** Prefixes of keys that code builds from parts. Code that builds other keys must add its prefix here. */
const builtPrefixes = ['event.', 'claim.', 'error.', 'error_page.title_', 'profile.', 'upstream.failed_']

/** Keys of en.json that neither a template nor code uses. */
export function unusedKeys(): string[] {
  const files = [
    ...readdirSync(`${root}src`, { recursive: true, encoding: 'utf8' }).map((path) => `src/${path}`),
    ...readdirSync(`${root}views`).map((path) => `views/${path}`),
  ].filter((path) => /\.(?:ts|html)$/.test(path))
  const text = files.map((path) => readFileSync(root + path, 'utf8')).join('\n')
  const named = new Set([
    ...[...text.matchAll(/\{\{t ([a-z0-9_.]+)\}\}/g)].map(([, key]) => key!),
    ...[...text.matchAll(/['"`]([a-z0-9_]+\.[a-z0-9_.]+)['"`]/g)].map(([, key]) => key!),
  ])
  const built = (key: string): boolean => {
    const prefix = builtPrefixes.find((each) => key.startsWith(each))
    // The other part must be a word in the code, such as the kind of an event, a claim or an error code.
    return prefix !== undefined && new RegExp(`\\b${key.slice(prefix.length)}\\b`).test(text)
  }
  return Object.keys(english).filter((key) => !named.has(key) && !built(key))
}
