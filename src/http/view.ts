/** HTML templates: compiled once, escaped always. https://html.spec.whatwg.org/multipage/syntax.html */

const maker = Symbol('view')

/**
 * HTML that a view rendered. A class although the house keeps those for errors and stores: a private field
 * is the one brand that no cast, object literal, prototype or proxy can imitate at run time.
 */
class SafeHtml {
  readonly #text: string

  constructor(key: symbol, text: string) {
    if (key !== maker) throw new TypeError('only a view makes Html')
    this.#text = text
  }

  static textOf(value: unknown): string | undefined {
    return typeof value === 'object' && value !== null && #text in value ? value.#text : undefined
  }

  toString(): string {
    return this.#text
  }
}

export type Html = SafeHtml
export type ViewValue = string | Html | readonly Html[]
export type View<Name extends string> = (values: Readonly<Record<Name, ViewValue>>) => Html

export const isHtml = (value: unknown): value is Html => SafeHtml.textOf(value) !== undefined

/** How one placeholder is written; throws TypeError on a value that has no place there. */
type Writer = (value: unknown) => string

function writeContent(value: unknown): string {
  if (typeof value === 'string') return Bun.escapeHTML(value)
  if (!Array.isArray(value)) return writeHtml(value)
  let text = ''
  for (const part of value) text += writeHtml(part)
  return text
}

function writeHtml(value: unknown): string {
  const text = SafeHtml.textOf(value)
  if (text === undefined) throw new TypeError(`expected text or Html, got ${typeof value}`)
  return text
}

// Html is trusted between tags only: inside an attribute its quotes would end the value.
function writeAttribute(value: unknown): string {
  if (typeof value !== 'string') throw new TypeError(`expected text, got ${typeof value}`)
  return Bun.escapeHTML(value)
}

function writeUrl(value: unknown): string {
  // No white space or control character: browsers drop some of them, and "/\t/host" becomes "//host".
  if (typeof value !== 'string' || !/^(?:https?:\/\/|\/(?![/\\]))[^\s\p{Cc}]*$/iu.test(value))
    throw new TypeError('expected an http(s) URL or a path')
  return Bun.escapeHTML(value)
}

function writeFlag(value: unknown): string {
  if (typeof value !== 'string' || !/^[a-z]*$/.test(value))
    throw new TypeError('expected an attribute name or nothing')
  return value
}

/** The writer for a placeholder, by what stands before it in the source; undefined where none may stand. */
function writerAfter(before: string): Writer | undefined {
  if (/<(?:script|style)\b[^>]*>(?![\s\S]*<\/)/i.test(before)) return undefined
  const tag = before.slice(before.lastIndexOf('<'))
  if (tag.includes('>') || !tag.startsWith('<')) return writeContent
  const attribute = /\s([a-z-]+)="([^"]*)$/.exec(tag)
  if (!attribute) return /^<[a-z0-9]+(?:\s+[a-z-]+(?:="[^"]*")?)*\s+$/.test(tag) ? writeFlag : undefined
  const [, name = '', start] = attribute
  if (name === 'style' || name === 'srcdoc' || name.startsWith('on')) return undefined
  return start === '' && /^(?:href|src|action|formaction)$/.test(name) ? writeUrl : writeAttribute
}

/**
 * Compile a template. `{{name}}` stands for text, which is escaped, or for Html, which views alone make.
 * Where it stands decides what it takes: between tags text, Html or an array of Html; in a quoted attribute
 * text; at the start of `href`, `src`, `action` or `formaction` an http(s) URL or a path; bare in a tag the
 * name of a boolean attribute or nothing. The view throws TypeError on any other value.
 * @throws Error, now and so at boot, when the source and `placeholders` differ or a placeholder stands
 *   where no escaping makes it safe.
 */
export function defineView<const Name extends string>(
  name: string,
  source: string,
  placeholders: readonly Name[],
): View<Name> {
  const problem = (what: string) => new Error(`view ${name}: ${what}`)
  // A split on a pattern with one group alternates literal, placeholder, literal, …
  const pieces = source.trimEnd().split(/\{\{([a-z][a-zA-Z0-9]*)\}\}/)
  const first = pieces[0] ?? ''
  const parts: { name: Name; write: Writer; after: string }[] = []
  const declared = new Set<string>(placeholders)
  let before = ''
  for (let at = 0; at < pieces.length; at += 2) {
    const literal = pieces[at] ?? ''
    if (/\{\{|\}\}/.test(literal)) throw problem('stray braces')
    before += literal
    const placeholder = pieces[at + 1]
    if (placeholder === undefined) break
    if (!declared.has(placeholder)) throw problem(`{{${placeholder}}} is not declared`)
    const write = writerAfter(before)
    if (!write) throw problem(`{{${placeholder}}} stands where no value is safe`)
    parts.push({ name: placeholder as Name, write, after: pieces[at + 2] ?? '' })
  }
  const used = new Set<string>(parts.map((part) => part.name))
  const unused = placeholders.find((placeholder) => !used.has(placeholder))
  if (unused !== undefined) throw problem(`{{${unused}}} is declared and not in the source`)

  return (values) => {
    let text = first
    for (const part of parts) {
      try {
        text += part.write(values[part.name]) + part.after
      } catch (cause) {
        throw new TypeError(`view ${name}, {{${part.name}}}: ${(cause as Error).message}`, { cause })
      }
    }
    return new SafeHtml(maker, text)
  }
}
