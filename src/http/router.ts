/** Path, then method, then endpoint. https://www.rfc-editor.org/rfc/rfc9110#section-15.5.6 */
import { HttpError } from '../auth/errors.ts'

interface Routed {
  path: string
  aliases?: readonly string[]
  methods: readonly string[]
}

export interface Router<E extends Routed> {
  /** The endpoint of a path: the exact one, else the longest prefix. */
  find(path: string): E | undefined
}

/**
 * Exact paths in a map; a path that ends in `/*` takes everything below it. Two endpoints of one path fail
 * the boot.
 */
export function createRouter<E extends Routed>(endpoints: readonly E[]): Router<E> {
  const exact = new Map<string, E>()
  const below: [prefix: string, endpoint: E][] = []
  for (const endpoint of endpoints)
    for (const path of [endpoint.path, ...(endpoint.aliases ?? [])]) {
      if (exact.has(path) || below.some(([prefix]) => `${prefix}*` === path))
        throw new Error(`two endpoints claim ${path}`)
      if (path.endsWith('/*')) below.push([path.slice(0, -1), endpoint])
      else exact.set(path, endpoint)
    }
  below.sort(([a], [b]) => b.length - a.length)
  return { find: (path) => exact.get(path) ?? below.find(([prefix]) => path.startsWith(prefix))?.[1] }
}

/** HEAD is answered where GET is (RFC 9110 §9.3.2). */
export function requireMethod(endpoint: Routed, method: string): void {
  if (endpoint.methods.includes(method === 'HEAD' ? 'GET' : method)) return
  throw new HttpError('method_not_allowed', {
    expected: `${endpoint.path} accepts ${endpoint.methods.join(', ')}`,
    came: method,
    headers: { allow: [...endpoint.methods, 'OPTIONS'].join(', ') },
  })
}
