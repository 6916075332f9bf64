/** A browser without a window, for Alice and Bob: cookies, redirects and forms. It types a password at the providers alone. */
import { type Form, formsOf, textOf } from './browser_page.ts'

export interface Person {
  username: string
  password: string
}

export interface Visit {
  /** Where the browser is, or which address it did not open. */
  url: string
  /** What the page says; empty for an address that was not opened. */
  text: string
}

export interface VisitOptions {
  /** The browser stops before it opens an address with this path. */
  stopAt?: string | undefined
  /** Fills in the form that has these fields, and sends it. */
  fill?: Record<string, string> | undefined
}

export interface Browser {
  visit(url: string, options?: VisitOptions): Promise<Visit>
}

interface Page {
  url: string
  html: string
  forms: Form[]
}

/** `providers` are the origins at which the person types a password. */
export function createBrowser(providers: readonly string[], person: Person): Browser {
  /** By host name, because browsers do not tell the cookies of ports apart. */
  const jars = new Map<string, Map<string, string>>()

  const jarOf = (url: string) => {
    const { hostname } = new URL(url)
    const jar = jars.get(hostname) ?? new Map<string, string>()
    jars.set(hostname, jar)
    return jar
  }

  /** Follows redirects. A URL that is `stopAt` comes back without a page. */
  async function open(url: string, init: RequestInit, stopAt?: string): Promise<Page | string> {
    for (let hops = 0; hops < 20; hops++) {
      if (stopAt !== undefined && new URL(url).pathname.startsWith(stopAt)) return url
      const cookie = Array.from(jarOf(url), ([name, value]) => `${name}=${value}`).join('; ')
      const headers = new Headers(init.headers)
      if (cookie !== '') headers.set('cookie', cookie)
      const response = await fetch(url, { ...init, headers, redirect: 'manual' })
      for (const line of response.headers.getSetCookie()) keep(jarOf(url), line)
      const location = response.headers.get('location')
      if (location === null) return { url, ...(await read(response)) }
      url = new URL(location, url).href
      init = {}
    }
    throw new Error('too many redirects')
  }

  const send = (page: Page, form: Form, fields: Record<string, string>, stopAt?: string) => {
    const body = new URLSearchParams({ ...form.fields, ...fields }).toString()
    const headers = {
      'content-type': 'application/x-www-form-urlencoded',
      origin: new URL(page.url).origin,
    }
    return open(new URL(form.action, page.url).href, { method: 'POST', body, headers }, stopAt)
  }

  /** What the person does on a page of a provider by themselves: sign in, read what the page says, decide. */
  function step(page: Page): [Form, Record<string, string>] | undefined {
    if (!providers.includes(new URL(page.url).origin)) return undefined
    for (const { button, fields } of answersTo(page, person)) {
      const form = page.forms.find(({ buttons }) => buttons.includes(button))
      if (form) return [form, { ...fields, [button]: button }]
    }
    return undefined
  }

  return {
    async visit(url, { stopAt, fill } = {}) {
      let page = await open(url, {}, stopAt)
      for (let steps = 0; typeof page !== 'string' && steps < 6; steps++) {
        const next = step(page)
        if (!next) break
        page = await send(page, ...next, stopAt)
      }
      if (typeof page !== 'string' && fill) {
        const form = page.forms.find(({ fields }) => Object.keys(fill).every((name) => name in fields))
        if (!form) throw new Error(`${page.url} has no form with ${Object.keys(fill).join(', ')}`)
        page = await send(page, form, fill, stopAt)
      }
      return typeof page === 'string' ? { url: page, text: '' } : { url: page.url, text: textOf(page.html) }
    },
  }
}

/** Buttons in the order of preference. A page with a warning is denied, and so is a code that came in a message. */
function answersTo({ html, forms }: Page, { username, password }: Person) {
  const isWarned = html.includes('class="warning"')
  const hasForeignCode = forms.some(({ fields }) => 'user_code' in fields)
  return [
    { button: 'login', fields: { username, password } },
    ...(isWarned || hasForeignCode ? [{ button: 'deny', fields: {} }] : []),
    { button: 'allow', fields: {} },
    { button: 'continue', fields: {} },
  ]
}

function keep(jar: Map<string, string>, line: string): void {
  const [pair = '', ...attributes] = line.split(';').map((each) => each.trim())
  const name = pair.slice(0, pair.indexOf('='))
  if (attributes.some((each) => /^max-age=0$/i.test(each))) jar.delete(name)
  else jar.set(name, pair.slice(name.length + 1))
}

async function read(response: Response): Promise<{ html: string; forms: Form[] }> {
  const html = await response.text()
  return { html, forms: formsOf(html) }
}
