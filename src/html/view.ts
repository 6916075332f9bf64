/** HTML templates: compiled once, escaped always, written in the language and the looks of whoever reads them. */
import type { Said } from '../lib/say.ts'
import { logoPath, stylePath } from './assets.ts'
import { compileTemplate, misfit, type Setting, type Template } from './template.ts'
import { wordsOf } from './words.ts'

export type { Setting } from './template.ts'

const maker = Symbol('view')

/**
 * HTML that a view made. A class although the house keeps those for errors and stores: a private field
 * is the one brand that no cast, object literal, prototype or proxy can imitate at run time.
 */
class SafeHtml {
  readonly #write: (setting: Setting) => string

  constructor(key: symbol, write: (setting: Setting) => string) {
    if (key !== maker) throw new TypeError('only a view makes Html')
    this.#write = write
  }

  static read(value: unknown, setting: Setting): string | undefined {
    return typeof value === 'object' && value !== null && #write in value ? value.#write(setting) : undefined
  }

  static owns(value: unknown): value is SafeHtml {
    return typeof value === 'object' && value !== null && #write in value
  }

  /** In English and our own looks. */
  toString(): string {
    return this.#write(plainSetting)
  }
}

/** English, without a theme. */
export const plainSetting: Setting = {
  words: wordsOf('en'),
  brand: { name: 'Latchkey', logo: logoPath, icon: logoPath, links: [], stylesheets: [stylePath] },
  base: '',
  templates: new Map(),
}

export type Html = SafeHtml
/** A number only fills the `{n}` of a message. */
export type ViewValue = string | number | Said | Html | readonly (Html | Said)[]
export type View<Name extends string> = (values: Readonly<Record<Name, ViewValue>>) => Html

export const isHtml = (value: unknown): value is Html => SafeHtml.owns(value)

/** The text of `html` for one reader. */
export const render = (html: Html, setting: Setting): string => SafeHtml.read(html, setting)!

/** Html that depends on who reads it. */
export const defer = (make: (setting: Setting) => Html): Html =>
  new SafeHtml(maker, (setting) => render(make(setting), setting))

const compile = (name: string, source: string, placeholders: readonly string[]) =>
  compileTemplate(name, source, placeholders, SafeHtml.owns, (value, setting) =>
    SafeHtml.read(value, setting),
  )

/** Every view by name with what it may hold, for themes. */
const defined = new Map<string, { placeholders: readonly string[]; template: Template }>()

/**
 * Compile a template. `{{name}}` stands for text, which is escaped, or for Html, which views alone make;
 * `{{t key}}` for a message of `languages/`, whose `{names}` are placeholders too. Where it stands decides what
 * it takes: between tags text, a message, Html or an array of Html; in a quoted attribute text or a message; at the
 * start of `href`, `src`, `action` or `formaction` an http(s) URL or a path; bare in a tag the name of a boolean
 * attribute or nothing. The view throws TypeError on any other value.
 * @throws Error, now and so at boot, when the source and `placeholders` differ or a placeholder stands
 *   where no escaping makes it safe.
 */
export function defineView<const Name extends string>(
  name: string,
  source: string,
  placeholders: readonly Name[],
): View<Name> {
  const template = compile(name, source, placeholders)
  const unused = placeholders.find((placeholder) => !template.places.has(placeholder))
  if (unused !== undefined) throw new Error(`view ${name}: {{${unused}}} is declared and not in the source`)
  defined.set(name, { placeholders, template })
  return (values) => {
    template.check(values)
    return new SafeHtml(maker, (setting) => (setting.templates.get(name) ?? template).write(values, setting))
  }
}

/**
 * A theme's source in place of the view `name`; it may leave placeholders out and bring no others.
 * @throws Error when there is no such view, the source does not compile, or a placeholder stands where it is not safe.
 */
export function replaceTemplate(name: string, source: string): Template {
  const ours = defined.get(name)
  if (!ours)
    throw new Error(`view ${name}: there is none; there are ${[...defined.keys()].sort().join(', ')}`)
  const theirs = compile(name, source, ours.placeholders)
  const problem = misfit(ours.template, theirs)
  if (problem !== undefined) throw new Error(`view ${name}: ${problem}`)
  return theirs
}
