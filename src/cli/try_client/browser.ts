/** A browser without scripts: cookies, redirects, and the forms of the provider. It signs in where the provider asks. */
import { withoutProxy } from '../without_proxy.ts'
import type { Account } from './own_provider.ts'

/** Where a visit ended. Status 0: there was no answer. */
export interface Seen {
  url: string
  status: number
  text: string
}

export type Visit = (url: string) => Promise<Seen>

interface Cookie {
  host: string
  path: string
  value: string
}

const mostSteps = 30

/** By host and not by port, as browsers do (RFC 6265 §8.5). */
function createJar() {
  const cookies = new Map<string, Cookie>()

  function keep(url: URL, lines: readonly string[]): void {
    for (const line of lines) {
      const [pair = '', ...attributes] = line.split(';').map((part) => part.trim())
      const [name = '', ...value] = pair.split('=')
      const of = (attribute: string) =>
        attributes.find((each) => each.toLowerCase().startsWith(`${attribute}=`))?.slice(attribute.length + 1)
      const path = of('path') ?? '/'
      const key = `${url.hostname} ${path} ${name}`
      const maxAge = of('max-age')
      const expires = of('expires')
      const isOver = maxAge === undefined ? Date.parse(expires ?? '') < Date.now() : Number(maxAge) <= 0
      if (isOver) cookies.delete(key)
      else cookies.set(key, { host: url.hostname, path, value: `${name}=${value.join('=')}` })
    }
  }

  const header = ({ hostname, pathname }: URL): string =>
    [...cookies.values()]
      .filter(({ host, path }) => host === hostname && pathname.startsWith(path))
      .map(({ value }) => value)
      .join('; ')

  return { keep, header }
}

interface Form {
  action: string
  fields: Record<string, string>
}

/** The last form of a page: that of a sign-in, or the one by which the provider posts its answer. */
function formOf(html: string): Form | undefined {
  const forms: Form[] = []
  const unescaped = (text: string | null): string =>
    (text ?? '')
      .replaceAll('&#39;', "'")
      .replaceAll('&quot;', '"')
      .replaceAll('&lt;', '<')
      .replaceAll('&amp;', '&')
  new HTMLRewriter()
    .on('form[method="post" i]', {
      element: (element) =>
        void forms.push({ action: unescaped(element.getAttribute('action')), fields: {} }),
    })
    .on('form[method="post" i] input, form[method="post" i] button', {
      element(element) {
        const name = element.getAttribute('name')
        if (name) forms.at(-1)!.fields[name] = unescaped(element.getAttribute('value'))
      },
    })
    .transform(html)
  return (
    forms.find(({ fields }) => 'password' in fields) ??
    forms.find(({ fields }) => 'state' in fields || 'code' in fields)
  )
}

/** A new browser. Without an account it signs in nowhere. `timeoutMs` is for each answer. */
export function createBrowser(issuer: string, account: Account | undefined, timeoutMs: number): Visit {
  const jar = createJar()
  const atProvider = (url: string) => url.startsWith(`${issuer}/`)

  async function ask(url: string, fields?: Record<string, string>): Promise<Response> {
    const target = new URL(url)
    const cookie = jar.header(target)
    const response = await fetch(target, {
      redirect: 'manual',
      signal: AbortSignal.timeout(timeoutMs),
      headers: {
        accept: 'text/html',
        ...(cookie !== '' && { cookie }),
        ...(fields && { 'content-type': 'application/x-www-form-urlencoded' }),
        ...(fields && atProvider(url) && { origin: issuer, 'sec-fetch-site': 'same-origin' }),
      },
      ...(fields && { method: 'POST', body: new URLSearchParams(fields).toString() }),
      ...withoutProxy,
    })
    jar.keep(target, response.headers.getSetCookie())
    return response
  }

  /** What the page of the provider is answered with; undefined where the visit ends. */
  function submitted({ url, text }: Seen): Form | undefined {
    const form = atProvider(url) ? formOf(text) : undefined
    if (!form) return undefined
    const action = new URL(form.action, url).href
    if (!('password' in form.fields)) return { action, fields: form.fields }
    return account && { action, fields: { ...form.fields, ...account } }
  }

  return async (start) => {
    let next: { url: string; fields?: Record<string, string> } = { url: start }
    let seen: Seen = { url: start, status: 0, text: '' }
    try {
      for (let steps = 0; steps < mostSteps; steps++) {
        const response = await ask(next.url, next.fields)
        const location = response.headers.get('location')
        if (response.status >= 300 && response.status < 400 && location !== null) {
          next = { url: new URL(location, next.url).href }
          continue
        }
        seen = { url: next.url, status: response.status, text: await response.text() }
        const form = submitted(seen)
        if (!form) return seen
        next = { url: form.action, fields: form.fields }
      }
      return { ...seen, status: 0, text: '' }
    } catch {
      return { url: next.url, status: 0, text: '' }
    }
  }
}
