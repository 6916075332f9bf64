/** A provider whose administration is at a host name of its own, and persons whose browsers know both. docs/administration.md */
import type { AdminRole } from '../../src/auth/admin_roles.ts'
import { Administrators } from '../../src/models/administrators.ts'
import { type Account, account } from './administration.ts'
import { type Landing, type Page, person, type Person } from './person.ts'
import { type Provider, provider, type ProviderOptions } from './provider.ts'

export const adminHost = 'admin.example'

export interface AtAdminHost extends Provider {
  /** The base URL at ADMIN_HOST. */
  base: string
  /** A browser that follows redirects between the two hosts. */
  browser(): Person
  owner: Account
}

/** `role` is that of the account `owner`. */
export async function atAdminHost(
  { env, ...options }: ProviderOptions = {},
  role: AdminRole | 'none' = 'owner',
): Promise<AtAdminHost> {
  const op = await provider({
    ...options,
    env: { ISSUER_URL: 'https://id.example', ADMIN_HOST: adminHost, ADMIN_SECOND_FACTOR: 'false', ...env },
  })
  const base = op.context.pageBases[0]!
  return {
    ...op,
    base,
    browser: () => person(op.issuer, op.fetch, [new URL(base).origin]),
    owner: await accountWith(op, role === 'none' ? undefined : role, 'owner'),
  }
}

export async function accountWith(op: Provider, role: AdminRole | undefined, username = role ?? 'none') {
  const made = await account(op, username)
  if (role) await Administrators.set(op.context, made.sub, role)
  return made
}

/** Opens a page at ADMIN_HOST, and signs in at the issuer where that is asked. */
export async function openPage(
  op: AtAdminHost,
  who: Person,
  path = '/admin',
  as: Account = op.owner,
): Promise<Page> {
  const landing = await who.open(op.base + path)
  const page = pageOf(landing)
  return page.forms.some(({ buttons }) => buttons.includes('login'))
    ? pageOf(await who.press(page, 'login', { ...as }))
    : page
}

function pageOf({ page, location }: Landing): Page {
  if (!page) throw new Error(`left for ${location}`)
  return page
}

const cookieLine = (jar: ReadonlyMap<string, string>): string =>
  [...jar].map(([name, value]) => `${name}=${value}`).join('; ')

/** One request of a browser, without what follows. `more` replaces headers. */
export function send(
  op: AtAdminHost,
  who: Person,
  url: string,
  { headers, ...init }: RequestInit & { headers?: Record<string, string> } = {},
): Promise<Response> {
  const cookie = cookieLine(who.cookiesAt(new URL(url).hostname))
  return op.fetch(url, { ...init, headers: { ...(cookie && { cookie }), ...headers } })
}

/** Where a page at ADMIN_HOST leads a browser without a session; the browser keeps the cookie. */
export async function entryOf(op: AtAdminHost, who: Person, path = '/admin'): Promise<URL> {
  const answer = await send(op, who, op.base + path)
  for (const line of answer.headers.getSetCookie()) {
    const [name, value] = line.split(';')[0]!.split('=')
    who.cookiesAt(adminHost).set(name!, value!)
  }
  return new URL(answer.headers.get('location')!)
}

/** The arrival with a fresh ticket, not opened: for a browser that is signed in at the issuer. */
export async function arrivalOf(op: AtAdminHost, who: Person, path = '/admin'): Promise<URL> {
  const answer = await send(op, who, (await entryOf(op, who, path)).href)
  return new URL(answer.headers.get('location')!)
}
