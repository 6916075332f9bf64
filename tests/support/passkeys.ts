/** A person with an authenticator in software, on the pages of passkeys. */
import {
  create,
  type CreationOptions,
  type Credential,
  get,
  type Lies,
  type RequestOptions,
} from './security_key.ts'
import type { Form, Landing, Page, Person } from './person.ts'

type Fetch = (url: string, init?: RequestInit) => Promise<Response>

/** The form that the script of the page fills in. */
export function ceremonyForm(page: Page): Form {
  const form = page.forms.find((each) => each.fields.credential !== undefined)
  if (!form) throw new Error(`no passkey on ${page.url} (${page.status}):\n${page.html}`)
  return form
}

/** The options in the page. */
export function optionsIn<T>(page: Page): T {
  const [, text = ''] = /data-options="([^"]+)"/.exec(page.html) ?? []
  return JSON.parse(text.replaceAll('&quot;', '"').replaceAll('&amp;', '&')) as T
}

/** What the script of the sign-in page asks for. */
export async function fetchOptions(
  origin: string,
  fetch: Fetch,
  who: Person,
  page: Page,
  fields: Record<string, string> = {},
): Promise<Response> {
  return fetch(new URL('/passkeys/sign_in/options', origin).href, {
    method: 'POST',
    body: new URLSearchParams({ ...ceremonyForm(page).fields, ...fields }).toString(),
    headers: {
      'content-type': 'application/x-www-form-urlencoded',
      cookie: [...who.cookies].map(([name, value]) => `${name}=${value}`).join('; '),
      origin,
      'sec-fetch-site': 'same-origin',
    },
  })
}

/** Posts what the authenticator said. */
export const answer = (who: Person, page: Page, credential: string): Promise<Landing> =>
  who.press({ ...page, forms: [{ ...ceremonyForm(page), buttons: ['sent'] }] }, 'sent', { credential })

/** The page, or an error that says where they went instead. */
export function pageOf(landing: Landing): Page {
  if (landing.page) return landing.page
  throw new Error(`went to ${landing.location}`)
}

/** Adds a passkey to the account of the signed-in End-User, on the page of the account. */
export async function addPasskey(origin: string, who: Person, lies: Lies = {}): Promise<Credential> {
  const page = pageOf(await who.open('/account/passkeys/add'))
  const { credential, json } = create(origin, optionsIn<CreationOptions>(page), lies)
  const landing = await answer(who, page, json)
  if (!landing.page?.url.endsWith('?done=added'))
    throw new Error(`not added: ${landing.page?.status} ${landing.page?.html}`)
  return credential
}

/** Proves a passkey in the session of `who`, as a change of factors demands, and returns the page to add another. */
export async function provePasskey(origin: string, who: Person, credential: Credential): Promise<Page> {
  const page = pageOf(await who.open('/account/passkeys/add'))
  const landing = await answer(who, page, get(origin, optionsIn<RequestOptions>(page), credential))
  if (!landing.page?.url.endsWith('/account/passkeys/add')) throw new Error(`not proven: ${page.html}`)
  return landing.page
}

/** At the sign-in page of `url`, with options at hand. */
export async function atSignIn(origin: string, fetch: Fetch, who: Person, url = '/login') {
  const page = pageOf(await who.open(url))
  const options = (await (await fetchOptions(origin, fetch, who, page)).json()) as RequestOptions
  return { page, options }
}

/** Sign-in with the passkey alone. */
export async function signInWith(
  origin: string,
  fetch: Fetch,
  who: Person,
  credential: Credential,
  { url = '/login', lies = {} as Lies } = {},
): Promise<Landing> {
  const { page, options } = await atSignIn(origin, fetch, who, url)
  return answer(who, page, get(origin, options, credential, lies))
}
