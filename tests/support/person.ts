/** A person with a browser that has no JavaScript: cookies, redirects, forms. */

type Fetch = (url: string, init?: RequestInit) => Promise<Response>

export interface Form {
  action: string
  method: string
  fields: Record<string, string>
  /** Button names. */
  buttons: string[]
}

export interface Page {
  url: string
  status: number
  html: string
  headers: Headers
  forms: Form[]
}

/** Where the person ended up: a page of the provider, or sent away to a client. */
export type Landing = { page: Page; location?: undefined } | { page?: undefined; location: URL }

export interface Person {
  /** Open a URL and follow redirects while they stay with the provider. */
  open(url: string): Promise<Landing>
  /** Fill in the page's form and press a button. */
  press(page: Page, button: string, fields?: Record<string, string>): Promise<Landing>
  /** Sign in and allow whatever is asked, as far as pages come. */
  goThrough(url: string, who?: { username: string; password: string }): Promise<URL>
  /** Those of the issuer's host. */
  cookies: Map<string, string>
  cookiesAt(hostname: string): Map<string, string>
}

export const alice = { username: 'alice', password: 'alicepassword' }
export const bob = { username: 'bob', password: 'bobpassword' }

/** `others` are origins of the provider beside that of the issuer: redirects are followed to them, and each host has its cookies. */
export function person(issuer: string, fetch: Fetch, others: readonly string[] = []): Person {
  const jars = new Map<string, Map<string, string>>()
  const cookiesAt = (hostname: string): Map<string, string> => {
    const jar = jars.get(hostname) ?? new Map<string, string>()
    jars.set(hostname, jar)
    return jar
  }
  const origins = [new URL(issuer).origin, ...others]
  const base = new URL(issuer).pathname.replace(/\/$/, '')
  /** A path of the provider, with or without that of its issuer. */
  const belowIssuer = (url: string): string =>
    url.startsWith('/') && !url.startsWith(`${base}/`) ? base + url : url

  async function go(url: string, init: RequestInit = {}): Promise<Landing> {
    for (let hops = 0; hops < 10; hops++) {
      const headers = new Headers(init.headers)
      const cookies = cookiesAt(new URL(url).hostname)
      if (cookies.size)
        headers.set('cookie', [...cookies].map(([name, value]) => `${name}=${value}`).join('; '))
      const [sent = url] = url.split('#') // a browser keeps the fragment to itself
      const response = await fetch(sent, { ...init, headers, redirect: 'manual' })
      keep(cookies, response.headers.getSetCookie())
      const location = response.headers.get('location')
      if (response.status < 300 || response.status >= 400 || location === null)
        return { page: await read(url, response) }
      const target = new URL(location, url)
      if (!origins.includes(target.origin)) return { location: target }
      url = target.href
      init = {}
    }
    throw new Error('too many redirects')
  }

  function keep(cookies: Map<string, string>, lines: string[]): void {
    for (const line of lines) {
      const [pair = '', ...attributes] = line.split(';').map((each) => each.trim())
      const equals = pair.indexOf('=')
      const name = pair.slice(0, equals)
      if (attributes.some((each) => /^max-age=0$/i.test(each))) cookies.delete(name)
      else cookies.set(name, pair.slice(equals + 1))
    }
  }

  const self: Person = {
    cookies: cookiesAt(new URL(issuer).hostname),
    cookiesAt,
    open: (url) => go(new URL(belowIssuer(url), `${issuer}/`).href),
    press(page, button, fields = {}) {
      const form = page.forms.find((each) => each.buttons.includes(button))
      if (!form) throw new Error(`no button ${button} on ${page.url} (${page.status}):\n${page.html}`)
      const body = new URLSearchParams({ ...form.fields, ...fields, [button]: button })
      const target = new URL(form.action, page.url)
      target.hash = '' // a browser keeps it to itself
      return go(target.href, {
        method: 'POST',
        body: body.toString(),
        headers: {
          'content-type': 'application/x-www-form-urlencoded',
          origin: (origins.includes(target.origin) ? target : new URL(issuer)).origin,
          'sec-fetch-site': 'same-origin',
        },
      })
    },
    async goThrough(url, who = alice) {
      let landing = await self.open(url)
      for (let pages = 0; landing.page && pages < 5; pages++) {
        const { page } = landing
        const buttons = page.forms.flatMap((form) => form.buttons)
        if (buttons.includes('login')) landing = await self.press(page, 'login', who)
        else if (buttons.includes('allow')) landing = await self.press(page, 'allow')
        else if (buttons.includes('continue')) landing = await self.press(page, 'continue')
        else break
      }
      if (!landing.location)
        throw new Error(`stuck on ${landing.page.url} (${landing.page.status}):\n${landing.page.html}`)
      return landing.location
    },
  }
  return self
}

async function read(url: string, response: Response): Promise<Page> {
  const html = await response.text()
  const forms: Form[] = []
  const rewriter = new HTMLRewriter()
    .on('form', {
      element(element) {
        forms.push({
          action: unescape(element.getAttribute('action') ?? ''),
          method: element.getAttribute('method') ?? 'get',
          fields: {},
          buttons: [],
        })
      },
    })
    .on('form input', {
      element(element) {
        const name = element.getAttribute('name')
        // As a browser does: a box without a tick is not sent.
        const unticked = element.getAttribute('type') === 'checkbox' && !element.hasAttribute('checked')
        if (name && !unticked) forms.at(-1)!.fields[name] = unescape(element.getAttribute('value') ?? '')
      },
    })
    .on('form button', {
      element(element) {
        const name = element.getAttribute('name')
        if (name) forms.at(-1)!.buttons.push(name)
      },
    })
  rewriter.transform(html)
  return { url, status: response.status, html, headers: response.headers, forms }
}

const entities: Record<string, string> = {
  '&amp;': '&',
  '&lt;': '<',
  '&gt;': '>',
  '&quot;': '"',
  '&#x27;': "'",
  '&#39;': "'",
}
const unescape = (text: string): string =>
  text.replace(/&(?:amp|lt|gt|quot|#x27|#39);/g, (entity) => entities[entity]!)
