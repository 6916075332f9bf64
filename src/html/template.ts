/** One template: literal text and placeholders. The context of each placeholder decides which values it accepts and how they are escaped. https://html.spec.whatwg.org/multipage/syntax.html */
import { isSaid, type MessageKey, type Said } from '../lib/say.ts'
import { withIcons } from './icon.ts'
import { isMessageKey, namesIn, type Words } from './words.ts'

/** What rendering depends on: the language of the reader and the appearance of this deployment. */
export interface Setting {
  words: Words
  brand: Brand
  /** The path of the issuer, usually '': the prefix of all our paths. */
  base: string
  /** Path and query of a page that a reload shows again; undefined after a POST, and in mails. */
  here?: string | undefined
  /** The templates of the theme, by the name of the view that they replace. */
  templates: ReadonlyMap<string, Template>
}

export interface Brand {
  name: string
  /** Paths of images. */
  logo: string
  icon: string
  /** In the footer of every page. A label is one text, or one for each language. */
  links: readonly { label: string | Readonly<Record<string, string>>; url: string }[]
  /** Paths, in the order they apply. */
  stylesheets: readonly string[]
}

type Values = Readonly<Record<string, unknown>>

/** The text of Html in a setting; undefined for any other value. Only `view.ts` can recognise Html. */
export type ReadHtml = (value: unknown, setting: Setting) => string | undefined

/** The HTML context of a placeholder. */
type Kind = 'content' | 'attribute' | 'url' | 'flag'

export interface Template {
  /** The contexts in which each name is used. */
  kinds: ReadonlyMap<string, ReadonlySet<Kind>>
  /** Throws TypeError on a value that its context does not accept. */
  check(values: Values): void
  write(values: Values, setting: Setting): string
}

/** How values are checked and written in one kind of context; `accepts` throws TypeError on any other value. */
interface Writer {
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

/** The literal pieces of a message, escaped, and its values by `fill`, in the order of the language. */
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

/** In UTC; `views/page.js` shows it in the zone of the reader. */
const timeElement = (at: Date, { words }: Setting): string =>
  `<time datetime="${at.toISOString().slice(0, 19)}Z">${Bun.escapeHTML(words.show(at))}</time>`

/** Between tags: text, Html, or an array of either. */
function content(isHtml: (value: unknown) => boolean, read: ReadHtml): Writer {
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
  /** In <bdi>, so that the writing direction of a name cannot reorder the sentence around it. */
  const filler = (value: unknown, setting: Setting): string => {
    if (isText(value)) return `<bdi>${one(value, setting)}</bdi>`
    if (value instanceof Date) return timeElement(value, setting)
    if (typeof value === 'number') return Bun.escapeHTML(setting.words.show(value))
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
const attribute: Writer = {
  kind: 'attribute',
  accepts(value) {
    if (!isText(value)) throw expected('text', value)
  },
  write: (value, setting) => Bun.escapeHTML(plain(value, setting)),
  message: (key, values, setting) =>
    compose(key, values, setting, (value) => Bun.escapeHTML(plain(value, setting))),
}

const noMessage = () => {
  throw new TypeError('no message is allowed here')
}

// No white space or control character: browsers drop some of them, and "/\t/host" becomes "//host".
const url: Writer = {
  kind: 'url',
  accepts(value) {
    if (typeof value !== 'string' || !/^(?:https?:\/\/|\/(?![/\\]))[^\s\p{Cc}]*$/iu.test(value))
      throw new TypeError('expected an http(s) URL or a path')
  },
  write: (value) => Bun.escapeHTML(value as string),
  message: noMessage,
}

const flag: Writer = {
  kind: 'flag',
  accepts(value) {
    if (typeof value !== 'string' || !/^[a-z]*$/.test(value))
      throw new TypeError('expected an attribute name or nothing')
  },
  write: (value) => value as string,
  message: noMessage,
}

/** The writer of a placeholder by the source before it; undefined where no placeholder is safe. */
function writerAfter(before: string, between: Writer, hasRawText: boolean): Writer | undefined {
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
  return /^(?:(?:https?|otpauth):\/\/[^/?#]+\/|\/[^/\\]|[?#])/.test(start!) ? attribute : undefined
}

/** `needs` are the names of the values that it is written from: its own, or those in the braces of its message. */
type Placeholder = { writer: Writer; after: string; needs: readonly string[] } & (
  { name: string; key?: never } | { key: MessageKey; name?: never }
)

/**
 * Compiles a source. `{{name}}` is replaced by the value of that name, `{{t key}}` by a message, whose `{names}` are
 * replaced by values too, `{{icon name}}` by an icon. `declared` are the names that may be used.
 * @throws Error when a name is not declared, a key or an icon is unknown, or a placeholder is where no escaping makes it safe.
 */
export function compileTemplate(
  name: string,
  given: string,
  declared: readonly string[],
  isHtml: (value: unknown) => boolean,
  read: ReadHtml,
): Template {
  const problem = (what: string) => new Error(`view ${name}: ${what}`)
  const source = withIcons(given, (what) => {
    throw problem(what)
  })
  const between = content(isHtml, read)
  const known = new Set(declared)
  // A split on a pattern with one group alternates literal, placeholder, literal, …
  const pieces = source.trimEnd().split(/\{\{((?:t [a-z0-9_.]+)|[a-z][a-zA-Z0-9]*)\}\}/)
  const placeholders: Placeholder[] = []
  const kinds = new Map<string, Set<Kind>>()
  const use = (names: readonly string[], writer: Writer | undefined, text: string): Writer => {
    const undeclared = names.find((each) => !known.has(each))
    if (undeclared !== undefined) throw problem(`{{${undeclared}}} is not declared`)
    if (!writer) throw problem(`{{${text}}} stands where no value is safe`)
    for (const each of names) kinds.set(each, new Set(kinds.get(each)).add(writer.kind))
    return writer
  }
  const hasRawText = /<(?:script|style)\b/i.test(source)
  let before = ''
  for (let at = 0; at < pieces.length; at += 2) {
    const literal = pieces[at] ?? ''
    if (/\{\{|\}\}/.test(literal)) throw problem('stray braces')
    before += literal
    const text = pieces[at + 1]
    if (text === undefined) break
    const after = pieces[at + 2] ?? ''
    const writer = writerAfter(before, between, hasRawText)
    if (!text.startsWith('t ')) {
      const needs = [text]
      placeholders.push({ name: text, needs, writer: use(needs, writer, text), after })
      continue
    }
    const key = text.slice(2)
    if (!isMessageKey(key)) throw problem(`{{${text}}} is not in languages/en.json`)
    if (writer === url || writer === flag) throw problem(`{{${text}}} stands where no value is safe`)
    const needs = namesIn(key)
    placeholders.push({ key, needs, writer: use(needs, writer, text), after })
  }
  const first = pieces[0] ?? ''
  const within = (placeholder: string, cause: unknown) =>
    new TypeError(`view ${name}, {{${placeholder}}}: ${(cause as Error).message}`, { cause })
  return {
    kinds,
    check(values) {
      for (const { key, needs, writer } of placeholders) {
        for (const each of needs) {
          try {
            if (key === undefined || typeof values[each] !== 'number') writer.accepts(values[each])
          } catch (cause) {
            throw within(each, cause)
          }
        }
      }
    },
    write(values, setting) {
      let text = first
      for (const { name: own, key, writer, after } of placeholders)
        text +=
          (key === undefined ? writer.write(values[own], setting) : writer.message(key, values, setting)) +
          after
      return text
    },
  }
}

/** Placeholders that a theme must keep: without them a form does not work, or a page is empty. */
const indispensable = ['action', 'csrf', 'interaction', 'main']

/** For each context, the contexts of ours whose values are also safe in it. */
const takes: Readonly<Record<Kind, readonly Kind[]>> = {
  content: ['content', 'attribute', 'url', 'flag'],
  attribute: ['attribute', 'url', 'flag'],
  url: ['url'],
  flag: ['flag'],
}

/**
 * Why the template `theirs` of a theme cannot replace `ours`; undefined when it can. Every value that our template accepts
 * must be safe in theirs: no markup where only text is safe, and no client name in a URL.
 */
export function replacementProblem(ours: Template, theirs: Template): string | undefined {
  const lost = indispensable.find((name) => ours.kinds.has(name) && !theirs.kinds.has(name))
  if (lost !== undefined) return `{{${lost}}} is missing, and the page does not work without it`
  for (const [name, kinds] of theirs.kinds)
    for (const kind of kinds)
      if (!takes[kind].some((each) => ours.kinds.get(name)?.has(each)))
        return `{{${name}}} stands where its values are not safe`
  return undefined
}
