/** Every route of the administration API, with every caller and every way in which a caller is wrong; generated from the table. docs/administration.md */
import { expect, test } from 'bun:test'
import { type AdminRole, adminRoleNames, adminScopes, scopesOfRole } from '../../../src/auth/admin_roles.ts'
import type { Route } from '../../../src/features/administration/route.ts'
import { routes } from '../../../src/features/administration/routes.ts'
import { Administrators } from '../../../src/models/administrators.ts'
import { User } from '../../../src/models/user.ts'
import {
  account,
  admin,
  type AdminAnswer,
  administrator,
  consoleClient,
  resourceOf,
  serviceClient,
  serviceToken,
  tokenOf,
} from '../../support/administration.ts'
import { browser, post, tokensOf } from '../../support/flow.ts'
import { provider } from '../../support/provider.ts'

const op = await provider({ env: { REALMS: 'true' } })
const client = await consoleClient(op)
const people = new Map<AdminRole | undefined, string>()
for (const role of [...adminRoleNames, undefined])
  people.set(role, await tokenOf(op, client, await administrator(op, role)))
const service = await serviceClient(op)
const all = await serviceToken(op, service)

/** A person with all rights who signed in with a password alone. */
const oneFactor = await account(op, 'one-factor')
await Administrators.set(op.context, oneFactor.sub, 'owner')
const { access_token: weak } = await tokensOf(
  op,
  browser(op),
  client,
  { scope: ['openid', ...adminScopes].join(' '), resource: resourceOf(op) },
  oneFactor,
)

/** No record has this id, so a route whose right holds finds nothing; one that is destructive is a dry run. */
const pathOf = ({ path }: Route): string => path.replaceAll(/\{[a-z_]+\}/g, 'nobody')

const call = (route: Route, token: string | undefined, headers: Record<string, string> = {}, peer?: string) =>
  admin(op, token, route.method, `${pathOf(route)}${route.destructive ? '?dry_run=true' : ''}`, {
    ...(route.body && { body: {} }),
    headers: { ...(route.guarded && { 'if-match': '"none"' }), ...headers },
    ...(peer !== undefined && { peer }),
  })

const title = ({ method, path }: Route): string => `${method} ${path}`
const rows = routes.map((route) => [title(route), route] as const)
const scoped = rows.filter(([, { scope }]) => scope !== undefined)

const isRefused = ({ status, body }: AdminAnswer, code: string, expected: number) => {
  expect([status, body.code]).toEqual([expected, code])
  expect(body.request_id).toBeString()
}

/** The right was there: what comes is an answer, or a refusal of what is not there or not given. */
const wasLetIn = ({ status, body }: AdminAnswer) => {
  expect([status, [401, 403].includes(status)], JSON.stringify(body)).toEqual([status, false])
  expect(status).toBeLessThan(500)
}

test('each path and method is there once, below its own scope', () => {
  expect(new Set(routes.map(title)).size).toBe(routes.length)
  for (const { scope, method, changes } of routes) {
    if (method === 'GET') expect(changes).toBeUndefined()
    else expect(changes).toBeString()
    if (changes !== undefined) expect(`${scope}`).not.toMatch(/\.read$/)
    if (scope !== undefined) expect(adminScopes).toContain(scope)
  }
})

for (const [role, token] of people)
  test.each(scoped)(`${role ?? 'no role'}: %s`, async (_title, route) => {
    const answer = await call(route, token)
    if (scopesOfRole(role).includes(route.scope!)) wasLetIn(answer)
    else isRefused(answer, 'insufficient_scope', 403)
  })

test.each(scoped)('a service with every scope: %s', async (_title, route) => {
  wasLetIn(await call(route, all))
})

test.each(scoped)('a service with every scope but its own: %s', async (_title, route) => {
  const others = adminScopes.filter((each) => each !== route.scope)
  const token = await serviceToken(op, service, { scope: others.join(' ') })
  const answer = await call(route, token)
  isRefused(answer, 'insufficient_scope', 403)
  expect(answer.headers.get('www-authenticate')).toContain(`scope="${route.scope}"`)
})

test.each(rows)('no token, and one that is none: %s', async (_title, route) => {
  for (const token of [undefined, 'x', `${all}x`]) isRefused(await call(route, token), 'invalid_token', 401)
})

test.each(rows)('a token of the right scopes for another audience: %s', async (_title, route) => {
  const scope = adminScopes.join(' ')
  const { body } = await post(op, '/token', service, { grant_type: 'client_credentials', scope })
  isRefused(await call(route, String(body.access_token)), 'invalid_token', 401)
})

test.each(scoped)('an owner with one factor: %s', async (_title, route) => {
  const answer = await call(route, weak)
  isRefused(answer, 'insufficient_user_authentication', 401)
  expect(answer.headers.get('www-authenticate')).toContain('acr_values="urn:latchkey:2fa"')
})

test.each(scoped.filter(([, { guarded }]) => guarded))('without If-Match: %s', async (_title, route) => {
  for (const header of ['', '*']) {
    const answer = await admin(op, all, route.method, pathOf(route), {
      ...(route.body && { body: {} }),
      ...(header !== '' && { headers: { 'if-match': header } }),
    })
    isRefused(answer, 'precondition_required', 428)
  }
})

test.each(rows)('a parameter and a member that it does not name: %s', async (_title, route) => {
  const answer = await admin(op, all, route.method, `${pathOf(route)}?dryrun=true`, {
    ...(route.body && { body: {} }),
    headers: { 'if-match': '"none"' },
  })
  isRefused(answer, 'bad_request', 400)
  if (route.body === undefined) return
  const more = await admin(op, all, route.method, pathOf(route), {
    body: { is_admin: true },
    headers: { 'if-match': '"none"' },
  })
  isRefused(more, 'bad_request', 400)
  expect(more.body.detail).toContain('is_admin: is not known here')
})

test('a disabled person, and one whose sign-in is old, at every route', async () => {
  const late = await administrator(op, 'owner', 'late')
  const token = await tokenOf(op, client, late)
  op.clock.advance(901_000)
  for (const [, route] of scoped) {
    const answer = await call(route, token)
    if (route.changes === undefined && !route.noted) wasLetIn(answer)
    else isRefused(answer, 'insufficient_user_authentication', 401)
  }
  await User.update(op.context, late.account.sub, (current) => ({ ...current, disabled: true }))
  for (const [, route] of rows) isRefused(await call(route, token), 'invalid_token', 401)
})

test('an expired token at every route', async () => {
  const token = await serviceToken(op, service)
  op.clock.advance(op.context.config.accessTokenTtl * 1000 + 1000)
  for (const [, route] of rows) isRefused(await call(route, token), 'invalid_token', 401)
})

test('another host and another network: every route is an unknown path', async () => {
  const hidden = await provider({
    env: { REALMS: 'true', ADMIN_HOST: 'admin.example', ADMIN_NETWORKS: '10.0.0.0/8' },
  })
  const own = await serviceToken(hidden, await serviceClient(hidden))
  const unknown = await hidden.fetch('/admin/v1/there-is-none')
  const ask = (route: Route, host: string, peer: string) =>
    admin(hidden, own, route.method, pathOf(route), { headers: { host }, peer })
  for (const [, route] of rows) {
    for (const [host, peer] of [
      ['localhost:5000', '10.1.1.1'],
      ['admin.example', '192.0.2.1'],
    ] as const) {
      const answer = await ask(route, host, peer)
      expect([answer.status, answer.body.error]).toEqual([404, 'not_found'])
      expect([...answer.headers.keys()].sort()).toEqual([...unknown.headers.keys()].sort())
    }
    const there = await ask(route, 'admin.example', '10.1.1.1')
    expect(there.body.error).toBeUndefined()
    wasLetIn(there)
  }
})
