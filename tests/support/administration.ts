/** Administrators with tokens of the administration API: real accounts, real sign-ins with two factors. */
import { type AdminRole, adminScopes } from '../../src/auth/admin_roles.ts'
import { Administrators } from '../../src/models/administrators.ts'
import { User } from '../../src/models/user.ts'
import { hashPassword } from '../../src/people/password.ts'
import { setUpApp, withPassword } from './authenticator.ts'
import type { TestClient } from './client.ts'
import { browser, operatorClient, post, tokensOf } from './flow.ts'
import type { Person } from './person.ts'
import type { Provider } from './provider.ts'

export const resourceOf = (op: Provider): string => `${op.issuer}/admin/v1`

/** The client of people who administer. */
export const consoleClient = (op: Provider): Promise<TestClient> =>
  operatorClient(op, {
    client_id: 'console',
    scope: ['openid', 'offline_access', ...adminScopes].join(' '),
  })

/** A client that administers for itself. */
export const serviceClient = (
  op: Provider,
  scope: readonly string[] = adminScopes,
  client_id = 'service',
): Promise<TestClient> =>
  operatorClient(op, {
    client_id,
    redirect_uris: [],
    response_types: [],
    grant_types: ['client_credentials'],
    scope: scope.join(' '),
  })

export interface Account {
  sub: string
  username: string
  password: string
}

export async function account(op: Provider, username: string, more: Partial<User> = {}): Promise<Account> {
  const password = `the password of ${username}`
  const now = Math.floor(op.clock.now() / 1000)
  const sub = `sub-of-${username}`
  const made = await User.create(op.context, {
    sub,
    username,
    password_hash: await hashPassword(password),
    claims: {},
    created_at: now,
    updated_at: now,
    ...more,
  })
  if (!made) throw new Error(`account ${username} exists`)
  return { sub, username, password }
}

/** What a person who administers is asked for. */
const asked = (op: Provider, scopes: readonly string[]) => ({
  scope: ['openid', ...scopes].join(' '),
  resource: resourceOf(op),
  acr_values: 'urn:latchkey:2fa',
})

/** An account with a role, an authenticator app and a session. */
export async function administrator(
  op: Provider,
  role: AdminRole | undefined,
  username: string = role ?? 'none',
): Promise<{ account: Account; who: Person }> {
  const made = await account(op, username)
  if (role) await Administrators.set(op.context, made.sub, role)
  const who = browser(op)
  await withPassword(who, made)
  await setUpApp(op, who)
  return { account: made, who }
}

export async function tokenOf(
  op: Provider,
  client: TestClient,
  { account: made, who }: { account: Account; who: Person },
  scopes: readonly string[] = adminScopes,
  more: Record<string, string | undefined> = {},
): Promise<string> {
  return (await tokensOf(op, who, client, { ...asked(op, scopes), ...more }, made)).access_token
}

export async function serviceToken(
  op: Provider,
  client: TestClient,
  more: Record<string, string> = {},
): Promise<string> {
  const { status, body } = await post(op, '/token', client, {
    grant_type: 'client_credentials',
    resource: resourceOf(op),
    ...more,
  })
  if (status !== 200) throw new Error(`no token: ${status} ${JSON.stringify(body)}`)
  return String(body.access_token)
}

export interface AdminAnswer {
  status: number
  headers: Headers
  body: Record<string, unknown>
}

/** A request to the API: `path` is below /admin/v1. */
export async function admin(
  op: Provider,
  token: string | undefined,
  method: string,
  path: string,
  more: { body?: unknown; headers?: Record<string, string>; peer?: string } = {},
): Promise<AdminAnswer> {
  const response = await op.fetch(
    `/admin/v1${path}`,
    {
      method,
      headers: {
        ...(token !== undefined && { authorization: `Bearer ${token}` }),
        ...(more.body !== undefined && { 'content-type': 'application/json' }),
        ...more.headers,
      },
      ...(more.body !== undefined && { body: JSON.stringify(more.body) }),
    },
    more.peer,
  )
  const text = await response.text()
  return {
    status: response.status,
    headers: response.headers,
    body:
      text === '' || response.headers.has('content-disposition') // a file
        ? {}
        : (JSON.parse(text) as Record<string, unknown>),
  }
}
