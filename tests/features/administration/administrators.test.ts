/** Roles of administrators: nobody gives a right that they do not hold, and an owner remains whatever races. docs/administration.md */
import { expect, test } from 'bun:test'
import { type AdminRole, adminRoles } from '../../../src/auth/admin_roles.ts'
import { Administrators } from '../../../src/models/administrators.ts'
import { User } from '../../../src/models/user.ts'
import {
  account,
  admin,
  administrator,
  consoleClient,
  serviceClient,
  serviceToken,
  tokenOf,
} from '../../support/administration.ts'
import { type Provider, provider } from '../../support/provider.ts'

const pathOf = (sub: string): string => `/people/${sub}/administration_role`

const etagOf = async (op: Provider, token: string, sub: string): Promise<string> =>
  (await admin(op, token, 'GET', pathOf(sub))).headers.get('etag')!

const give = async (op: Provider, token: string, sub: string, role: AdminRole | undefined, etag?: string) =>
  admin(op, token, role ? 'PUT' : 'DELETE', pathOf(sub), {
    ...(role && { body: { role } }),
    headers: { 'if-match': etag ?? (await etagOf(op, token, sub)) },
  })

const roleOf = async (op: Provider, sub: string) => (await Administrators.find(op.context, sub))?.role

const op = await provider()
const client = await consoleClient(op)
const owner = await administrator(op, 'owner')
const operator = await administrator(op, 'operator')
const asOwner = await tokenOf(op, client, owner)
const asOperator = await tokenOf(op, client, operator)

test('an owner gives each role, and a lost role ends at the next request', async () => {
  const helper = await administrator(op, undefined, 'helper')
  const token = await tokenOf(op, client, helper)
  expect((await admin(op, token, 'GET', '/people')).status).toBe(403)
  expect((await give(op, asOwner, helper.account.sub, 'support')).body).toMatchObject({ role: 'support' })
  // The same token: what it has is cut to the role at each request.
  expect((await admin(op, token, 'GET', '/people')).status).toBe(200)
  expect((await give(op, asOwner, helper.account.sub, undefined)).body).toMatchObject({ role: null })
  expect((await admin(op, token, 'GET', '/people')).status).toBe(403)
})

test('an operator makes operators and no owner, and changes no owner', async () => {
  const { sub } = await account(op, 'colleague')
  expect((await give(op, asOperator, sub, 'operator')).status).toBe(200)
  for (const refused of [
    await give(op, asOperator, sub, 'owner'),
    await give(op, asOperator, operator.account.sub, 'owner'),
    await give(op, asOperator, owner.account.sub, 'support'),
    await give(op, asOperator, owner.account.sub, undefined),
  ])
    expect([refused.status, refused.body.code]).toEqual([403, 'forbidden'])
  expect(await roleOf(op, owner.account.sub)).toBe('owner')
})

test('a token of an owner with less scopes gives no more than it has', async () => {
  const { sub } = await account(op, 'narrowed')
  const narrow = await tokenOf(op, client, owner, ['admin:roles.read', 'admin:roles.write'])
  for (const role of ['owner', 'operator', 'support', 'auditor'] as const)
    expect((await give(op, narrow, sub, role)).status).toBe(403)
  expect(await roleOf(op, sub)).toBeUndefined()
})

test('two administrators do not overwrite each other', async () => {
  const { sub } = await account(op, 'contended')
  const etag = await etagOf(op, asOwner, sub)
  const both = await Promise.all([
    give(op, asOwner, sub, 'support', etag),
    give(op, asOwner, sub, 'auditor', etag),
  ])
  expect(both.map(({ status }) => status).sort()).toEqual([200, 412])
  const lost = both.find(({ status }) => status === 412)!
  expect(lost.headers.get('etag')).toBe(await etagOf(op, asOwner, sub))
})

test('the last owner is neither demoted nor removed; of two who demote each other, one stays', async () => {
  const own = await provider()
  const service = await serviceToken(own, await serviceClient(own))
  const subs = [(await account(own, 'first')).sub, (await account(own, 'second')).sub]
  for (const sub of subs) expect((await give(own, service, sub, 'owner')).status).toBe(200)
  const etags = await Promise.all(subs.map((sub) => etagOf(own, service, sub)))
  const both = await Promise.all(subs.map((sub, at) => give(own, service, sub, undefined, etags[at])))
  expect(both.map(({ status }) => status).sort()).toEqual([200, 409])
  const left = [...(await Administrators.all(own.context))].filter(([, { role }]) => role === 'owner')
  expect(left).toHaveLength(1)
  const [[last]] = left as [[string, unknown]]
  expect((await give(own, service, last, 'auditor')).body).toMatchObject({ code: 'conflict' })
  expect((await give(own, service, last, undefined)).status).toBe(409)
  expect(await roleOf(own, last)).toBe('owner')
})

test('a dry run says what would happen and changes nothing', async () => {
  const { sub } = await account(op, 'dry')
  await give(op, asOwner, sub, 'auditor')
  const headers = { 'if-match': await etagOf(op, asOwner, sub) }
  const dry = await admin(op, asOwner, 'DELETE', `${pathOf(sub)}?dry_run=true`, { headers })
  expect([dry.status, dry.body.dry_run]).toEqual([200, true])
  const lost = { role: 'auditor', scopes: [...adminRoles.auditor] }
  expect(dry.body).toMatchObject({ sub, username: 'dry', lost })
  expect(await roleOf(op, sub)).toBe('auditor')
  expect(dry.headers.get('etag')).toBe(headers['if-match'])
  const done = await admin(op, asOwner, 'DELETE', pathOf(sub), { headers })
  expect([done.body.dry_run, done.body.role, done.body.lost]).toEqual([false, null, lost])
  const ownPath = `${pathOf(owner.account.sub)}?dry_run=true`
  const last = await admin(op, asOwner, 'DELETE', ownPath, {
    headers: { 'if-match': await etagOf(op, asOwner, owner.account.sub) },
  })
  expect(last.body).toMatchObject({ code: 'conflict' })
})

test('an account that is disabled gets no role', async () => {
  const { sub } = await account(op, 'gone')
  await User.update(op.context, sub, (current) => ({ ...current, disabled: true }))
  expect((await give(op, asOwner, sub, 'auditor')).body).toMatchObject({ code: 'conflict' })
})

test('each change of a role is one line of the log, with who did it', async () => {
  op.lines.splice(0)
  const { sub } = await account(op, 'logged')
  await give(op, asOwner, sub, 'support')
  const lines = op.lines.filter((line) => line.includes('changed_by_administrator'))
  expect(lines).toHaveLength(1)
  expect(lines[0]).toContain('change=administrator_granted')
  expect(lines[0]).toContain(`sub=${sub}`)
  expect(lines[0]).toContain(`by=${owner.account.sub}`)
})
