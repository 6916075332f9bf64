/** HTML templates: compiled at their first use, always escaped, rendered in the language of the reader and with the operator's theme. */
import type { Said } from '../lib/say.ts'
import { lazy } from '../lib/lazy.ts'
import { logoPath, stylePath } from './assets.ts'
import { compileTemplate, replacementProblem, type Setting, type Template } from './template.ts'
import { wordsOf } from './words.ts'

export type { Setting } from './template.ts'

const maker = Symbol('view')

/**
 * HTML that a view made. It is a class because only a private field cannot be imitated at run time by a cast, an object
 * literal, a prototype or a proxy.
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

  /** In English and without a theme. */
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
/** A number is accepted only as the `{n}` of a message. */
export type ViewValue = string | number | Said | Html | readonly (Html | Said)[]
export type View<Name extends string> = (values: Readonly<Record<Name, ViewValue>>) => Html

export const isHtml = (value: unknown): value is Html => SafeHtml.owns(value)

/** The text of `html` for one reader. */
export const render = (html: Html, setting: Setting): string => SafeHtml.read(html, setting)!

/** Html that depends on the reader's language or on the theme. */
export const defer = (make: (setting: Setting) => Html): Html =>
  new SafeHtml(maker, (setting) => render(make(setting), setting))

const compile = (name: string, source: string, placeholders: readonly string[]) =>
  compileTemplate(name, source, placeholders, SafeHtml.owns, (value, setting) =>
    SafeHtml.read(value, setting),
  )

/** All views by name, for themes. */
const defined = new Map<string, { placeholders: readonly string[]; template: () => Template }>()

/**
 * Compiles a template. `{{name}}` stands for text, which is escaped, or for Html, which only views make; `{{t key}}` for a
 * message of `languages/`, whose `{names}` are placeholders too. The context decides which values are accepted: between
 * tags text, a message, Html or an array of Html; in a quoted attribute text or a message; at the start of `href`, `src`,
 * `action` or `formaction` an http(s) URL or a path; unquoted in a tag the name of a boolean attribute or ''. The view
 * throws TypeError on any other value. Compiled at its first use, because a start uses no view: `compileViews` finds faults.
 */
export function defineView<const Name extends string>(
  name: string,
  source: string,
  placeholders: readonly Name[],
): View<Name> {
  const template = lazy(() => {
    const compiled = compile(name, source, placeholders)
    const unused = placeholders.find((placeholder) => !compiled.kinds.has(placeholder))
    if (unused !== undefined) throw new Error(`view ${name}: {{${unused}}} is declared and not in the source`)
    return compiled
  })
  defined.set(name, { placeholders, template })
  return (values) => {
    template().check(values)
    return new SafeHtml(maker, (setting) =>
      (setting.templates.get(name) ?? template()).write(values, setting),
    )
  }
}

/**
 * Compiles all views: when a binary is built, and when the sources are started.
 * @throws Error when a source and its `placeholders` differ, or a placeholder is where no escaping makes it safe.
 */
export function compileViews(): void {
  for (const { template } of defined.values()) template()
}

/**
 * Compiles a theme's source for the view `name`. It may leave placeholders out but not add any.
 * @throws Error when there is no such view, the source does not compile, or a placeholder is where it is not safe.
 */
export function replaceTemplate(name: string, source: string): Template {
  const ours = defined.get(name)
  if (!ours) throw new Error(`view ${name}: no such view; there are ${[...defined.keys()].sort().join(', ')}`)
  const theirs = compile(name, source, ours.placeholders)
  const problem = replacementProblem(ours.template(), theirs)
  if (problem !== undefined) throw new Error(`view ${name}: ${problem}`)
  return theirs
}
