/** A provider with the lab behind a port, and the page that explains a failed request. */
import { commands } from '../../src/cli/commands.ts'
import { entries } from '../../src/config/variables.ts'
import { featureEntries } from '../../src/table.ts'
import type { Cause } from '../../src/features/lab_errors/causes/cause.ts'
import { type ServedProvider, serveProvider } from '../browser/served.ts'

/** What a page of the lab says of a failed request. */
export interface Explained {
  status: number
  /** The names of the causes, the most probable first. */
  causes: Cause['name'][]
  /** The text without tags. */
  text: string
  html: string
  /** The commands, settings and lines of programs. */
  lines: string[]
}

/** Its requests go over the network. */
export async function serveLab(env: Record<string, string> = {}): Promise<ServedProvider> {
  const op = await serveProvider({ LAB: 'true', ...env })
  return {
    ...op,
    fetch: (path, init) => fetch(new URL(path, `${op.issuer}/`), { redirect: 'manual', ...init }),
  }
}

const entities: Readonly<Record<string, string>> = {
  amp: '&',
  lt: '<',
  gt: '>',
  quot: '"',
  '#x27': "'",
  '#39': "'",
}

const unescaped = (html: string): string =>
  html.replace(/&(#?\w+);/g, (whole, name: string) => entities[name] ?? whole)

const textOf = (html: string): string => unescaped(html.replace(/<[^>]*>/g, '')).replace(/\s+/g, ' ')

export async function explainedAt(op: Pick<ServedProvider, 'fetch'>, url: string): Promise<Explained> {
  const response = await op.fetch(url, { headers: { accept: 'text/html' } })
  const html = await response.text()
  const causes = [...html.matchAll(/data-cause="(\w+)"/g)].map(([, name]) => name!)
  const lines = [...html.matchAll(/<pre class="raw"[^>]*><code>([^<]*)/g)].flatMap(([, code]) =>
    unescaped(code!).split('\n'),
  )
  return { status: response.status, causes, text: textOf(html), html, lines }
}

/** The page of `error_uri`, in whatever form the refusal came. */
export async function explain(op: ServedProvider, response: Response): Promise<Explained> {
  const location = response.headers.get('location')
  const text = await response.text()
  const uri =
    location === null
      ? text.startsWith('{')
        ? (JSON.parse(text) as { error_uri?: string }).error_uri
        : /href="([^"]*\/lab\/error\?id=[^"]*)"/.exec(text)?.[1]
      : new URL(location).searchParams.get('error_uri')
  if (!uri) throw new Error(`no error_uri: ${response.status} ${location ?? ''} ${text.slice(0, 500)}`)
  return explainedAt(op, uri)
}

/** The page of a request whose answer a browser keeps from the page: by the id in its header. */
export const explainById = (op: ServedProvider, response: Response): Promise<Explained> =>
  explainedAt(op, `/lab/error?id=${response.headers.get('x-request-id')}`)

/** Lines with a command, an option or a setting that does not exist. */
export async function misnamed(lines: readonly string[]): Promise<string[]> {
  const ofClient = ['CLIENT_ID', 'CLIENT_SECRET'].map((name) => ({ name }))
  const settings = new Set(
    [...ofClient, ...entries, ...Object.values(featureEntries).flat()].map(({ name }) => name),
  )
  const known = await Promise.all(
    lines.map(async (line) => {
      const [, setting] = /^([A-Z][A-Z\d]*_[A-Z\d_]+)(?:=|$)/.exec(line) ?? []
      if (setting !== undefined) return settings.has(setting)
      if (!line.startsWith('latchkey ')) return true
      const entry = commands.find(({ name }) => `${line} `.startsWith(`latchkey ${name} `))
      const options = Object.keys((await entry?.load())?.options ?? {})
      const used = [...line.matchAll(/ --([a-z-]+)/g)].map(([, option]) => option!)
      return entry !== undefined && used.every((option) => options.includes(option))
    }),
  )
  return lines.filter((_, at) => !known[at])
}
