/** Routes a request by path and method to an endpoint. https://www.rfc-editor.org/rfc/rfc9110#section-15.5.6 */
import { HttpError } from '../auth/errors.ts'
import type { Answer, Endpoint } from '../contracts/endpoint.ts'
import { answersOf, type HttpMethod, methodsOf } from '../lib/http_method.ts'
import { answerOnce } from './sent_form.ts'
import { lazy } from '../lib/lazy.ts'

/** An endpoint with its methods, computed when it is first asked for. */
export interface Route {
  endpoint: Endpoint
  methods: readonly HttpMethod[]
  /** By method. HEAD is answered where GET is (RFC 9110 §9.3.2). */
  answers: ReadonlyMap<string, Answer>
}

export interface Router {
  /** The route of a path: the exact one, else one with `{name}` segments, else the longest prefix. */
  find(path: string): Route | undefined
}

/** Puts something around each answer of an endpoint. */
type Around = (endpoint: Endpoint, answer: Answer) => Answer

function routeOf(endpoint: Endpoint, around: readonly Around[]): Route {
  const answers = new Map<string, Answer>(answersOf(endpoint))
  if (endpoint.get) answers.set('HEAD', endpoint.get)
  const { form, page, repetition, submit } = endpoint
  if (page && form && submit) answers.set('POST', answerOnce({ form, submit, repetition }))
  for (const put of around) for (const [method, answer] of answers) answers.set(method, put(endpoint, answer))
  return { endpoint, methods: methodsOf(endpoint), answers }
}

/** A path with `{name}` segments, as what comes before the first of them and the rest of it. */
interface Template {
  prefix: string
  pattern: () => RegExp
  route: () => Route
}

const segment = /\{[a-z_]+\}/g

/** Matches the paths of a template. */
export function segmentPattern(template: string): RegExp {
  const written = template.split(segment).map((part) => part.replaceAll(/[.*+?^$()[\]\\|]/g, String.raw`\$&`))
  return new RegExp(`^${written.join('[^/]+')}$`)
}

const templateOf = (path: string, route: () => Route): Template => ({
  prefix: path.slice(0, path.indexOf('{')),
  // Compiled for the first path that begins so: there are many, and a start needs none.
  pattern: lazy(() => segmentPattern(path)),
  route,
})

/** The segments of a path at the places of `{name}`, decoded; undefined for percent-encoding that is not UTF-8. */
export function segmentsOf(template: string, path: string): Record<string, string> | undefined {
  const parts = path.split('/')
  const found = template
    .split('/')
    .flatMap((part, at) => (part.startsWith('{') ? [[part.slice(1, -1), parts[at] ?? '']] : []))
  try {
    return Object.fromEntries(found.map(([name, value]) => [name, decodeURIComponent(value!)]))
  } catch {
    return undefined
  }
}

/**
 * A path that ends in `/*` matches all paths below it, and `{name}` one segment. Throws at boot when two endpoints have
 * the same path.
 */
export function createRouter(endpoints: readonly Endpoint[], around: readonly Around[] = []): Router {
  const claimed = new Set<string>()
  const exact = new Map<string, () => Route>()
  const below: [prefix: string, route: () => Route][] = []
  const templates: Template[] = []
  for (const endpoint of endpoints) {
    const route = lazy(() => routeOf(endpoint, around))
    for (const path of [endpoint.path, ...(endpoint.aliases ?? [])]) {
      const shape = path.replaceAll(segment, '{}') // whatever its segments are called
      if (claimed.has(shape)) throw new Error(`two endpoints claim ${path}`)
      claimed.add(shape)
      if (path.includes('{')) templates.push(templateOf(path, route))
      else if (path.endsWith('/*')) below.push([path.slice(0, -1), route])
      else exact.set(path, route)
    }
  }
  below.sort(([a], [b]) => b.length - a.length)
  const byTemplate = (path: string) =>
    templates.find(({ prefix, pattern }) => path.startsWith(prefix) && pattern().test(path))?.route
  return {
    find: (path) =>
      (exact.get(path) ?? byTemplate(path) ?? below.find(([prefix]) => path.startsWith(prefix))?.[1])?.(),
  }
}

/** Requests of a realm come here only where there is none of its name. */
export const notServed = (path: string, hasRealms: boolean) =>
  new HttpError('not_found', {
    expected: 'the path of an endpoint',
    came: path,
    problem:
      hasRealms && path.startsWith('/realms/')
        ? `the realm has ended, as those of a classroom do, or there was never one: nothing is served at ${path}`
        : `nothing is served at ${path}`,
  })

export const methodNotAllowed = ({ endpoint, methods }: Route, method: string) =>
  new HttpError('method_not_allowed', {
    expected: `${endpoint.path} accepts ${methods.join(', ')}`,
    came: method,
    headers: { allow: [...methods, 'OPTIONS'].join(', ') },
  })
