/** One template: literal text, and by the place of each hole what may fill it and how that is escaped. https://html.spec.whatwg.org/multipage/syntax.html */
import { isSaid, type MessageKey, type Said } from '../lib/say.ts'
import { isMessageKey, namesIn, type Words } from './words.ts'

/** Whom something is rendered for: the words of its reader and the looks of the house. */
export interface Setting {
  words: Words
  brand: Brand
  /** The path of the issuer, '' for most: what stands before every path of ours. */
  base: string
  /** Path and query of a page that a reload shows again; undefined after a POST, and in mails. */
  here?: string | undefined
  /** What a theme puts in place of our templates, by the name of their view. */
  templates: ReadonlyMap<string, Template>
}

export interface Brand {
  name: string
  /** Paths of images. */
  logo: string
  icon: string
  /** Under every page; a label is one text, or one by language. */
  links: readonly { label: string | Readonly<Record<string, string>>; url: string }[]
  /** Paths, in the order they apply. */
  stylesheets: readonly string[]
}

type Values = Readonly<Record<string, unknown>>

/** The text of Html in a setting; undefined for anything else. Only `view.ts` can tell. */
export type ReadHtml = (value: unknown, setting: Setting) => string | undefined

/** Where a value stands. */
type Kind = 'content' | 'attribute' | 'url' | 'flag'

export interface Template {
  /** The kinds of places that each name fills. */
  places: ReadonlyMap<string, ReadonlySet<Kind>>
  /** Throws TypeError on a value that has no place where it stands. */
  check(values: Values): void
  write(values: Values, setting: Setting): string
}

/** How one hole takes a value; `accepts` throws TypeError on what has no place there. */
interface Place {
  kind: Kind
  accepts(value: unknown): void
  write(value: unknown, setting: Setting): string
  /** A message whose `{names}` are filled from the values of the view. */
  message(key: MessageKey, values: Values, setting: Setting): string
}

const expected = (what: string, value: unknown) => new TypeError(`expected ${what}, got ${typeof value}`)

const isText = (value: unknown): value is string | Said => typeof value === 'string' || isSaid(value)
const plain = (value: unknown, { words }: Setting): string =>
  isSaid(value) ? words.text(value) : `${value as string}`

/** Literal pieces as they are, fillings by `fill`, in the order of the language. */
const compose = (
  key: MessageKey,
  values: Values,
  { words }: Setting,
  fill: (value: unknown) => string,
): string =>
  words
    .pieces(key, values)
    .map((piece, at) => (at % 2 === 0 ? Bun.escapeHTML(piece) : fill(values[piece])))
    .join('')

/** Between tags: text, Html, or an array of either. */
function content(isHtml: (value: unknown) => boolean, read: ReadHtml): Place {
  const one = (value: unknown, setting: Setting): string => {
    if (isSaid(value)) return compose(value.key, value.values, setting, (filling) => filler(filling, setting))
    return typeof value === 'string' ? Bun.escapeHTML(value) : (read(value, setting) ?? '')
  }
  const all = (value: unknown, setting: Setting): string => {
    if (!Array.isArray(value)) return one(value, setting)
    let text = ''
    for (const each of value) text += one(each, setting)
    return text
  }
  /** Isolated, so that the direction of a name cannot rearrange the sentence round it. */
  const filler = (value: unknown, setting: Setting): string => {
    if (isText(value)) return `<bdi>${one(value, setting)}</bdi>`
    if (typeof value === 'number' || value instanceof Date) return Bun.escapeHTML(setting.words.show(value))
    return all(value, setting)
  }
  return {
    kind: 'content',
    accepts(value) {
      if (isText(value) || isHtml(value)) return
      if (!Array.isArray(value)) throw expected('text or Html', value)
      for (const each of value) if (!isHtml(each) && !isSaid(each)) throw expected('Html', each)
    },
    write: all,
    message: (key, values, setting) => compose(key, values, setting, (value) => filler(value, setting)),
  }
}

// Html is trusted between tags only: inside an attribute its quotes would end the value.
const attribute: Place = {
  kind: 'attribute',
  accepts(value) {
    if (!isText(value)) throw expected('text', value)
  },
  write: (value, setting) => Bun.escapeHTML(plain(value, setting)),
  message: (key, values, setting) =>
    compose(key, values, setting, (value) => Bun.escapeHTML(plain(value, setting))),
}

const noMessage = () => {
  throw new TypeError('a message has no place here')
}

// No white space or control character: browsers drop some of them, and "/\t/host" becomes "//host".
const url: Place = {
  kind: 'url',
  accepts(value) {
    if (typeof value !== 'string' || !/^(?:https?:\/\/|\/(?![/\\]))[^\s\p{Cc}]*$/iu.test(value))
      throw new TypeError('expected an http(s) URL or a path')
  },
  write: (value) => Bun.escapeHTML(value as string),
  message: noMessage,
}

const flag: Place = {
  kind: 'flag',
  accepts(value) {
    if (typeof value !== 'string' || !/^[a-z]*$/.test(value))
      throw new TypeError('expected an attribute name or nothing')
  },
  write: (value) => value as string,
  message: noMessage,
}

/** The place of a hole by what stands before it in the source; undefined where none may stand. */
function placeAfter(before: string, between: Place, hasRawText: boolean): Place | undefined {
  if (hasRawText && /<(?:script|style)\b[^>]*>(?![\s\S]*<\/)/i.test(before)) return undefined
  const tag = before.slice(before.lastIndexOf('<'))
  if (tag.includes('>') || !tag.startsWith('<')) return between
  const found = /\s([a-z-]+)="([^"]*)$/.exec(tag)
  if (!found) return /^<[a-z0-9]+(?:\s+[a-z-]+(?:="[^"]*")?)*\s+$/.test(tag) ? flag : undefined
  const [, name = '', start] = found
  if (name === 'style' || name === 'srcdoc' || name.startsWith('on')) return undefined
  if (!/^(?:href|src|action|formaction)$/.test(name)) return attribute
  if (start === '') return url
  // Not behind `javascript:`, nor where it would name the host.
  return /^(?:https?:\/\/[^/?#]+\/|\/[^/\\]|[?#])/.test(start!) ? attribute : undefined
}

type Hole = { place: Place; after: string } & (
  { name: string; key?: never } | { key: MessageKey; name?: never }
)

/**
 * Compile a source. `{{name}}` is filled by a value of that name, `{{t key}}` by a message, whose own `{names}` are
 * values too. `declared` are the names that may be used.
 * @throws Error when a name is not declared, a key is unknown, or a hole stands where no escaping makes it safe.
 */
export function compileTemplate(
  name: string,
  source: string,
  declared: readonly string[],
  isHtml: (value: unknown) => boolean,
  read: ReadHtml,
): Template {
  const problem = (what: string) => new Error(`view ${name}: ${what}`)
  const between = content(isHtml, read)
  const known = new Set(declared)
  // A split on a pattern with one group alternates literal, hole, literal, …
  const pieces = source.trimEnd().split(/\{\{((?:t [a-z0-9_.]+)|[a-z][a-zA-Z0-9]*)\}\}/)
  const holes: Hole[] = []
  const places = new Map<string, Set<Kind>>()
  const use = (names: readonly string[], place: Place | undefined, hole: string): Place => {
    const stranger = names.find((each) => !known.has(each))
    if (stranger !== undefined) throw problem(`{{${stranger}}} is not declared`)
    if (!place) throw problem(`{{${hole}}} stands where no value is safe`)
    for (const each of names) places.set(each, new Set(places.get(each)).add(place.kind))
    return place
  }
  const hasRawText = /<(?:script|style)\b/i.test(source)
  let before = ''
  for (let at = 0; at < pieces.length; at += 2) {
    const literal = pieces[at] ?? ''
    if (/\{\{|\}\}/.test(literal)) throw problem('stray braces')
    before += literal
    const hole = pieces[at + 1]
    if (hole === undefined) break
    const after = pieces[at + 2] ?? ''
    const place = placeAfter(before, between, hasRawText)
    if (!hole.startsWith('t ')) {
      holes.push({ name: hole, place: use([hole], place, hole), after })
      continue
    }
    const key = hole.slice(2)
    if (!isMessageKey(key)) throw problem(`{{${hole}}} is not in languages/en.json`)
    if (place === url || place === flag) throw problem(`{{${hole}}} stands where no value is safe`)
    holes.push({ key, place: use(namesIn(key), place, hole), after })
  }
  const first = pieces[0] ?? ''
  const within = (hole: string, cause: unknown) =>
    new TypeError(`view ${name}, {{${hole}}}: ${(cause as Error).message}`, { cause })
  return {
    places,
    check(values) {
      for (const { name: hole, key, place } of holes) {
        for (const each of key === undefined ? [hole] : namesIn(key)) {
          try {
            if (key === undefined || typeof values[each] !== 'number') place.accepts(values[each])
          } catch (cause) {
            throw within(each, cause)
          }
        }
      }
    },
    write(values, setting) {
      let text = first
      for (const { name: hole, key, place, after } of holes)
        text +=
          (key === undefined ? place.write(values[hole], setting) : place.message(key, values, setting)) +
          after
      return text
    },
  }
}

/** Without these a form leads nowhere, or a page is empty. */
const indispensable = ['action', 'csrf', 'interaction', 'main']

/** The kinds of places whose values may stand in a place of this kind as well. */
const takes: Readonly<Record<Kind, readonly Kind[]>> = {
  content: ['content', 'attribute', 'url', 'flag'],
  attribute: ['attribute', 'url', 'flag'],
  url: ['url'],
  flag: ['flag'],
}

/**
 * What keeps `theirs` from standing in for `ours`: every value that passes our check must have a place in theirs, so
 * that markup never ends up where only text is safe, and a client's name never in a link.
 */
export function misfit(ours: Template, theirs: Template): string | undefined {
  const lost = indispensable.find((name) => ours.places.has(name) && !theirs.places.has(name))
  if (lost !== undefined) return `{{${lost}}} is left out, and nothing works without it`
  for (const [name, kinds] of theirs.places)
    for (const kind of kinds)
      if (!takes[kind].some((each) => ours.places.get(name)?.has(each)))
        return `{{${name}}} stands where its values are not safe`
  return undefined
}
