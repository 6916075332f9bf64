/** As much of a browser as a provider's pages need: cookies with paths, redirects by hand, forms filled by name. */
import { type Connection, type Reply, headers, text } from './connection.ts'
import { type Form, get, post } from './request.ts'

export interface Browser {
  /** Follow from `url` until the provider sends us to `stop`, filling every form on the way. Returns that URL. */
  walk(url: string, stop: string, answers: Answers): Promise<URL>
  /** Follow from `url` to the first form. */
  open(url: string): Promise<Page>
  /** Press a button. */
  press(page: Page, button: string, values: Form): Promise<Reply>
  /** The request that opening `url` would send. */
  opening(url: string): string
  /** The request that pressing would send. */
  pressing(page: Page, button: string, values: Form): string
}

/** What the End-User fills in, and the buttons that are pressed: the first that the page has. */
export interface Answers {
  fields: Form
  buttons: string[]
}

export interface Page {
  url: string
  forms: FoundForm[]
}

interface FoundForm {
  action: string
  fields: Form
  /** Every named thing in the form that can be filled or pressed. */
  buttons: Form
}

const entities: Record<string, string> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" }
const unescape = (html: string): string =>
  html.replace(/&(?:#x([0-9a-f]+)|#(\d+)|(\w+));/gi, (whole, hex, dec, name) =>
    hex
      ? String.fromCodePoint(Number.parseInt(hex, 16))
      : dec
        ? String.fromCodePoint(Number(dec))
        : (entities[name] ?? whole),
  )

/** An attribute of one tag; `undefined` when absent. */
const attribute = (tag: string, name: string): string | undefined => {
  const found = new RegExp(`\\s${name}(?:\\s*=\\s*(?:"([^"]*)"|'([^']*)'|([^\\s>]+)))?(?=[\\s/>])`, 'i').exec(
    tag,
  )
  return found ? unescape(found[1] ?? found[2] ?? found[3] ?? '') : undefined
}

/** The POST forms of a page. */
export function findForms(html: string, url: string): FoundForm[] {
  return [...html.matchAll(/(<form\b[^>]*>)([\s\S]*?)<\/form>/gi)].map(([, open = '', inside = '']) => {
    const form: FoundForm = {
      action: new URL(attribute(open, 'action') || url, url).href,
      fields: {},
      buttons: {},
    }
    for (const [tag, kind = ''] of inside.matchAll(/<(input|button)\b[^>]*>/gi)) {
      const name = attribute(tag, 'name')
      if (name === undefined) continue
      const type = (
        attribute(tag, 'type') ?? (kind.toLowerCase() === 'button' ? 'submit' : 'text')
      ).toLowerCase()
      // An unchecked box is not sent, a button only when pressed.
      if (type === 'submit') form.buttons[name] = attribute(tag, 'value') ?? ''
      else if (type !== 'checkbox' || attribute(tag, 'checked') !== undefined)
        form.fields[name] = attribute(tag, 'value') ?? (type === 'checkbox' ? 'on' : '')
    }
    return form
  })
}

const redirects = new Set([301, 302, 303, 307, 308])

/** `origin` is the provider's; leaving it for anything but `stop` is an error. */
export function createBrowser(connection: Connection, origin: string): Browser {
  const jar = new Map<string, { name: string; value: string; path: string }>()

  const cookies = (url: string): Form => {
    const { pathname } = new URL(url)
    const sent = [...jar.values()].filter(
      ({ path }) => pathname === path || pathname.startsWith(path.endsWith('/') ? path : `${path}/`),
    )
    return sent.length === 0 ? {} : { Cookie: sent.map(({ name, value }) => `${name}=${value}`).join('; ') }
  }

  const remember = (reply: Reply) => {
    for (const line of headers(reply, 'set-cookie')) {
      const [pair = '', ...rest] = line.split(/;\s*/)
      const name = pair.slice(0, pair.indexOf('='))
      const value = pair.slice(pair.indexOf('=') + 1)
      const settings = new Map(
        rest.map((one) => one.split('=', 2)).map(([key = '', is = '']) => [key.toLowerCase(), is]),
      )
      const path = settings.get('path') || '/'
      const expires = settings.get('expires')
      const gone =
        settings.get('max-age') === '0' || (expires !== undefined && Date.parse(expires) < Date.now())
      if (gone) jar.delete(`${name} ${path}`)
      else jar.set(`${name} ${path}`, { name, value, path })
    }
    return reply
  }

  const opening = (url: string): string => get(url, { Accept: 'text/html', ...cookies(url) })

  const visit = async (url: string) => remember(await connection.send(opening(url)))

  const pressing = ({ url, forms }: Page, button: string, values: Form): string => {
    const form = forms.find(({ buttons }) => button in buttons)
    if (!form) throw new Error(`no button ${button} at ${url}`)
    const fields = { ...form.fields, ...values, [button]: form.buttons[button] ?? '' }
    return post(form.action, fields, {
      Accept: 'text/html',
      Origin: origin,
      'Sec-Fetch-Site': 'same-origin',
      ...cookies(form.action),
    })
  }

  /** Follow redirects to a page with forms, or to `stop`. */
  const land = async (first: Reply, from: string, stop?: string): Promise<Page | URL> => {
    let reply = first
    let url = from
    for (let hops = 0; hops < 20; hops++) {
      if (reply.status === 200) {
        const forms = findForms(text(reply), url)
        if (forms.length === 0)
          throw new Error(`a page without a form at ${url}: ${text(reply).slice(0, 300)}`)
        return { url, forms }
      }
      const location = headers(reply, 'location')[0]
      if (!redirects.has(reply.status) || location === undefined)
        throw new Error(`${reply.status} at ${url}: ${text(reply).slice(0, 300)}`)
      const next = new URL(location, url)
      if (stop !== undefined && next.href.startsWith(stop)) return next
      if (next.origin !== origin) throw new Error(`sent away to ${next.href}`)
      url = next.href
      reply = await visit(url)
    }
    throw new Error(`redirects without end at ${url}`)
  }

  return {
    opening,
    pressing,
    async press(page, button, values) {
      return remember(await connection.send(pressing(page, button, values)))
    },
    async open(url) {
      const page = await land(await visit(url), url)
      if (page instanceof URL) throw new Error('no form came')
      return page
    },
    async walk(url, stop, { fields, buttons }) {
      let place = await land(await visit(url), url, stop)
      for (let pages = 0; pages < 5; pages++) {
        if (place instanceof URL) return place
        const { forms, url: at } = place
        const button = buttons.find((name) => forms.some((form) => name in form.buttons))
        const form = forms.find((one) => button !== undefined && button in one.buttons)
        if (button === undefined || !form) throw new Error(`no button of ${buttons} at ${at}`)
        const values = Object.fromEntries(Object.entries(fields).filter(([name]) => name in form.fields))
        place = await land(
          remember(await connection.send(pressing(place, button, values))),
          form.action,
          stop,
        )
      }
      throw new Error(`forms without end at ${url}`)
    },
  }
}
