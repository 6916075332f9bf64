/** A theme: a folder in which the operator sets the appearance of pages and mails, read once at boot. docs/decisions/0024-languages-and-themes.md */
import { ownMember } from '../lib/own_member.ts'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { extname, join, resolve } from 'node:path'
import * as v from 'valibot'
import { ConfigError } from '../config.ts'
import { isFolder } from '../config/named_files.ts'
import { type Language, languages } from '../lib/say.ts'
import { type Asset, hashed, pictureHeaders } from './assets.ts'
import type { Template } from './template.ts'
import { replaceTemplate } from './view.ts'
import { type Catalog, isMessageKey, namesIn, namesInMessage } from './words.ts'

export interface Theme {
  name?: string | undefined
  /** Paths among `assets`. */
  logo?: string | undefined
  icon?: string | undefined
  links: readonly { label: string | Readonly<Record<string, string>>; url: string }[]
  stylesheets: readonly string[]
  assets: ReadonlyMap<string, Asset>
  templates: ReadonlyMap<string, Template>
  messages: ReadonlyMap<Language, Catalog>
}

/** The variables of views/style.css that are colours. */
const colourNames = [
  'page',
  'card',
  'sunken',
  'text',
  'muted',
  'line',
  'edge',
  'accent',
  'accent-strong',
  'on-accent',
  'danger',
  'danger-soft',
  'warning',
  'warning-soft',
] as const

/** Made when there is a theme. */
function themeFile() {
  const Colours = v.optional(
    v.strictObject(
      Object.fromEntries(
        colourNames.map((name) => [
          name,
          v.optional(
            v.pipe(v.string(), v.regex(/^#(?:[\da-f]{3}|[\da-f]{6})$/i, 'expected a colour as #1b6250')),
          ),
        ]),
      ),
    ),
  )
  /** A file name without a slash, so that no path leads out of the folder. */
  const FileName = v.pipe(v.string(), v.regex(/^[\w-][\w.-]*$/, 'expected the name of a file in this folder'))
  const Label = v.pipe(v.string(), v.trim(), v.nonEmpty(), v.maxLength(100))
  return v.strictObject({
    name: v.optional(Label),
    logo: v.optional(FileName),
    favicon: v.optional(FileName),
    links: v.optional(
      v.pipe(
        v.array(
          v.strictObject({
            label: v.union([Label, v.record(v.picklist(languages), Label)]),
            url: v.pipe(v.string(), v.url(), v.regex(/^https?:\/\//i, 'expected an http or https URL')),
          }),
        ),
        v.maxLength(10),
      ),
      [],
    ),
    colours: v.optional(v.strictObject({ light: Colours, dark: Colours }), {}),
  })
}
type ThemeFile = v.InferOutput<ReturnType<typeof themeFile>>

const pictureTypes: Readonly<Record<string, string>> = {
  '.svg': 'image/svg+xml; charset=utf-8',
  '.png': 'image/png',
  '.webp': 'image/webp',
  '.jpg': 'image/jpeg',
  '.jpeg': 'image/jpeg',
  '.ico': 'image/x-icon',
}
const largestPicture = 1_048_576
const largestText = 262_144

/** Throws ConfigError with a line for each file that is wrong. */
export function readTheme(folder: string): Theme {
  if (!isFolder(folder))
    throw new ConfigError([
      `THEME_PATH: expected the folder of a theme, got ${resolve(folder)}, which is none. The sources have one to begin with: examples/theme`,
    ])
  const problems: string[] = []
  const assets = new Map<string, Asset>()
  const attempt = <T>(file: string, read: () => T): T | undefined => {
    try {
      return read()
    } catch (error) {
      problems.push(`THEME_PATH: ${join(folder, file)}: ${(error as Error).message}`)
      return undefined
    }
  }
  const keep = (name: string, extension: string, asset: Asset): string => {
    const path = hashed(name, extension, asset.body)
    assets.set(path, asset)
    return path
  }
  const text = (file: string) => readText(join(folder, file))
  const style = (name: string, css: string) =>
    keep(name, 'css', { body: css, contentType: 'text/css; charset=utf-8' })
  const picture = (name: string, file: string | undefined) =>
    file === undefined
      ? undefined
      : attempt(file, () => keep(name, extname(file).slice(1), readPicture(join(folder, file))))

  const settings = attempt('theme.json', () => readSettings(text('theme.json')))
  const colours = settings && coloursAsCss(settings.colours)
  const stylesheets = colours ? [style('theme_colours', colours)] : []
  attempt('stylesheet.css', () => {
    if (existsSync(join(folder, 'stylesheet.css')))
      stylesheets.push(style('theme', ownStyle(text('stylesheet.css'))))
  })
  const theme: Theme = {
    name: settings?.name,
    logo: picture('theme_logo', settings?.logo),
    icon: picture('theme_icon', settings?.favicon),
    links: settings?.links ?? [],
    stylesheets,
    assets,
    templates: eachFile(folder, 'views', '.html', attempt, (name, file) => replaceTemplate(name, text(file))),
    messages: eachFile(folder, 'languages', '.json', attempt, (name, file) => readMessages(name, text(file))),
  }
  if (problems.length > 0) throw new ConfigError(problems)
  return theme
}

function readText(path: string): string {
  const text = readFileSync(path, 'utf8')
  if (text.length > largestText) throw new Error(`longer than ${largestText} characters`)
  return text
}

function readPicture(path: string): Asset {
  const contentType = ownMember(pictureTypes, extname(path).toLowerCase())
  if (contentType === undefined) throw new Error(`expected one of ${Object.keys(pictureTypes).join(', ')}`)
  const body = new Uint8Array(readFileSync(path))
  if (body.length > largestPicture) throw new Error(`larger than ${largestPicture} bytes`)
  return { body, contentType, headers: pictureHeaders }
}

function readSettings(json: string): ThemeFile {
  const parsed = v.safeParse(themeFile(), JSON.parse(json))
  if (parsed.success) return parsed.output
  throw new Error(
    parsed.issues.map((issue) => `${v.getDotPath(issue) ?? 'the file'}: ${issue.message}`).join('; '),
  )
}

/** The Content-Security-Policy of our pages blocks foreign resources. The check tells the operator at boot. */
function ownStyle(css: string): string {
  if (/@import\b|url\(\s*['"]?\s*(?:[a-z][a-z\d+.-]*:|\/\/)/i.test(css))
    throw new Error(
      'loads a resource from another host, which the Content-Security-Policy of the pages blocks',
    )
  return css
}

function coloursAsCss({ light, dark }: ThemeFile['colours']): string | undefined {
  const block = (scheme: string, colours: typeof light) => {
    const lines = Object.entries(colours ?? {}).map(([name, value]) => `--${name}: ${value};`)
    return lines.length ? [`@media (prefers-color-scheme: ${scheme}) { :root { ${lines.join(' ')} } }`] : []
  }
  const blocks = [...block('light', light), ...block('dark', dark)]
  return blocks.length ? blocks.join('\n') : undefined
}

/** Reads each file of a sub-folder; the keys are the file names without the extension. */
function eachFile<Name extends string, T>(
  folder: string,
  inside: string,
  ending: string,
  attempt: <R>(file: string, read: () => R) => R | undefined,
  read: (name: Name, file: string) => T,
): ReadonlyMap<Name, T> {
  const found = new Map<Name, T>()
  if (!existsSync(join(folder, inside))) return found
  for (const each of readdirSync(join(folder, inside)).sort()) {
    if (extname(each) !== ending) continue
    const file = join(inside, each)
    const name = each.slice(0, -ending.length) as Name
    const value = attempt(file, () => read(name, file))
    if (value !== undefined) found.set(name, value)
  }
  return found
}

const Messages = v.record(v.string(), v.union([v.string(), v.record(v.string(), v.string())]))

/** The messages of a theme: their keys must exist, and they may use only the names that our message uses. */
function readMessages(tag: Language, json: string): Catalog {
  if (!languages.includes(tag)) throw new Error(`expected one of ${languages.join(', ')}`)
  const messages = v.parse(Messages, JSON.parse(json))
  for (const [key, message] of Object.entries(messages)) {
    if (!isMessageKey(key)) throw new Error(`${key} is not in languages/en.json`)
    const known = namesIn(key)
    const unknown = namesInMessage(message).find((name) => !known.includes(name))
    if (unknown !== undefined) throw new Error(`${key} has {${unknown}}, for which there is no value`)
    if (typeof message !== 'string' && message.other === undefined)
      throw new Error(`${key} needs the form other`)
  }
  return messages
}
