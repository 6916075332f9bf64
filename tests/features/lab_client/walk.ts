/** Walks through flows of the playground in a browser without JavaScript. */
import { browser } from '../../support/flow.ts'
import { alice, type Landing, type Page, type Person } from '../../support/person.ts'
import type { Provider } from '../../support/provider.ts'

export interface Walk {
  who: Person
  /** The page that is open. */
  page: Page
  /** The page of a step. */
  open(step: string): Promise<Page>
  /** Sends the form of a step with these fields changed. The End-User signs in and allows, as far as pages come. */
  send(step: string, fields?: Record<string, string>): Promise<Page>
  /** Gives the client what the browser brought. */
  take(fields?: Record<string, string>): Promise<Page>
}

export const pageIn = ({ page, location }: Landing): Page => {
  if (!page) throw new Error(`the browser was sent away: ${location.href}`)
  return page
}

/** Through the pages of the provider, until it is a page of the lab or an error. */
async function through(who: Person, landing: Landing, account = alice): Promise<Page> {
  let page = pageIn(landing)
  for (let pages = 0; pages < 6; pages++) {
    const buttons = page.forms.flatMap((form) => form.buttons)
    if (new URL(page.url).pathname.includes('/lab/')) return page
    if (buttons.includes('login')) page = pageIn(await who.press(page, 'login', account))
    else if (buttons.includes('allow')) page = pageIn(await who.press(page, 'allow'))
    else return page
  }
  return page
}

export async function begin(op: Provider, flow: string, who = browser(op)): Promise<Walk> {
  const start = pageIn(await who.open(`${op.issuer}/lab/client`))
  const form = start.forms.find((each) => each.fields.flow === flow)
  if (!form) throw new Error(`no flow ${flow}:\n${start.html}`)
  const run = pageIn(await who.press({ ...start, forms: [form] }, 'start'))
  const walk: Walk = {
    who,
    page: run,
    open: async (step) => (walk.page = pageIn(await who.open(`${op.issuer}/lab/client/run?step=${step}`))),
    async send(step, fields) {
      const page = await walk.open(step)
      return (walk.page = await through(who, await who.press(page, 'send', fields)))
    },
    take: async (fields) => (walk.page = pageIn(await who.press(walk.page, 'take', fields))),
  }
  return walk
}

/** The fields of the form with this button. */
export const fieldsOf = (page: Page, button: string): Record<string, string> =>
  page.forms.find((form) => form.buttons.includes(button))?.fields ?? {}

/** The checks of the last answer, as the page says them: `+` holds, `-` does not. */
export const checksOf = ({ html }: Page): string[] =>
  [
    ...(html.split('id="step"')[0] ?? '').matchAll(
      /<li class="(held|failed)"><strong>[^<]*<\/strong> ([^<]*)/g,
    ),
  ].map(([, kind, about]) => `${kind === 'held' ? '+' : '-'} ${about!.trim()}`)

export const failedIn = (page: Page): string[] => checksOf(page).filter((each) => each.startsWith('-'))

/** What the client holds. */
export const held = ({ html }: Page): Record<string, string> =>
  Object.fromEntries(
    [...(html.split('id="holds"')[1] ?? '').matchAll(/<div><dt>([^<]*)<\/dt><dd><code[^>]*>([^<]*)/g)].map(
      ([, name, value]) => [name!, value!],
    ),
  )
