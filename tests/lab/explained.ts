/** A provider with the lab behind a port, and the page that explains a failed request. */
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

const textOf = (html: string): string =>
  html
    .replace(/<[^>]*>/g, '')
    .replace(/&(#?\w+);/g, (whole, name: string) => entities[name] ?? whole)
    .replace(/\s+/g, ' ')

export async function explainedAt(op: Pick<ServedProvider, 'fetch'>, url: string): Promise<Explained> {
  const response = await op.fetch(url, { headers: { accept: 'text/html' } })
  const html = await response.text()
  const causes = [...html.matchAll(/data-cause="(\w+)"/g)].map(([, name]) => name!)
  return { status: response.status, causes, text: textOf(html), html }
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
