/** The administration API ends sessions, grants and consents: by person, by client, by session, and all. docs/administration.md */
import { expect, test } from 'bun:test'
import { Session } from '../../../src/models/session.ts'
import { User } from '../../../src/models/user.ts'
import {
  admin,
  administrator,
  consoleClient,
  serviceClient,
  serviceToken,
  tokenOf,
} from '../../support/administration.ts'
import {
  bob,
  browser,
  demo,
  introspect,
  operatorClient,
  outcome,
  tokensOf,
  userinfo,
} from '../../support/flow.ts'
import { provider } from '../../support/provider.ts'

const op = await provider()
const console_ = await consoleClient(op)
const asSupport = await tokenOf(op, console_, await administrator(op, 'support'))
const asService = await serviceToken(op, await serviceClient(op))
const owner = await administrator(op, 'owner')
const del = (path: string, token = asSupport) => admin(op, token, 'DELETE', path)
const items = async (path: string) =>
  (await admin(op, asSupport, 'GET', path)).body.items as Record<string, string>[]
const { sub } = (await User.findByUsername(op.context, 'bob'))!

test('a session is shown and ended, with the grants that are bound to it', async () => {
  const who = browser(op)
  const { access_token } = await tokensOf(op, who, demo, {}, bob)
  const [{ sid }] = (await items(`/people/${sub}/sessions`)) as [{ sid: string }]
  expect((await admin(op, asSupport, 'GET', `/sessions/${sid}`)).body).toMatchObject({ sid, sub })
  expect((await del(`/sessions/${sid}?dry_run=true`)).body.dry_run).toBe(true)
  expect((await userinfo(op, access_token)).status).toBe(200)
  expect((await del(`/sessions/${sid}`)).body).toMatchObject({ sid, dry_run: false })
  expect((await userinfo(op, access_token)).status).toBe(401)
  expect(await outcome(op, who)).toBe('login')
  expect((await del(`/sessions/${sid}`)).status).toBe(404)
})

test('a grant is listed and ended alone', async () => {
  const first = await tokensOf(op, browser(op), demo, {}, bob)
  const second = await tokensOf(op, browser(op), demo, {}, bob)
  const grants = await items(`/people/${sub}/grants`)
  expect(grants).toHaveLength(2)
  expect((await del(`/people/${sub}/grants/${grants[0]!.grant_id}`)).status).toBe(200)
  const alive = await Promise.all(
    [first, second].map(async ({ access_token }) => (await userinfo(op, access_token)).status),
  )
  expect(alive.sort()).toEqual([200, 401])
  const foreign = `/people/${owner.account.sub}/grants/${grants[1]!.grant_id}`
  expect((await del(foreign, asService)).status).toBe(404)
})

test('a consent is withdrawn, and all access of a person is ended', async () => {
  const app = await operatorClient(op, { client_id: 'app', scope: 'openid offline_access' })
  const asked = { scope: 'openid offline_access', prompt: 'consent' }
  const { access_token } = await tokensOf(op, browser(op), app, asked, bob)
  expect((await items(`/people/${sub}/consents`)).map(({ client_id }) => client_id)).toContain('app')
  expect((await del(`/people/${sub}/consents/app`)).status).toBe(200)
  expect((await introspect(op, access_token)).active).toBe(false)
  expect((await del(`/people/${sub}/consents/app`)).status).toBe(404)
  await tokensOf(op, browser(op), demo, {}, bob)
  const ended = await del(`/people/${sub}/sessions`)
  expect(Number(ended.body.ended_sessions)).toBeGreaterThan(0)
  expect(await Session.listOfUser(op.context, sub)).toEqual([])
})

test('support ends no session of an owner, and not those of everybody', async () => {
  const [session] = await Session.listOfUser(op.context, owner.account.sub)
  for (const path of [`/sessions/${session!.sid}`, `/people/${owner.account.sub}/sessions`])
    expect((await del(path)).body.code).toBe('forbidden')
  for (const path of ['/sessions', '/clients/client123/grants'])
    expect((await del(path)).body.code).toBe('insufficient_scope')
  expect(await Session.listOfUser(op.context, owner.account.sub)).toHaveLength(1)
})

test('by client, and everything; a dry run counts alike and ends nothing', async () => {
  const { access_token } = await tokensOf(op, browser(op), demo, {}, bob)
  const client = '/clients/client123/grants'
  const dry = await del(`${client}?dry_run=true`, asService)
  expect(dry.body).toMatchObject({ client_id: 'client123', dry_run: true })
  expect((await userinfo(op, access_token)).status).toBe(200)
  const done = await del(client, asService)
  expect(done.body.ended_grants).toBe(dry.body.ended_grants!)
  expect((await userinfo(op, access_token)).status).toBe(401)
  expect((await del('/clients/nobody/grants', asService)).status).toBe(404)
  const before = await del('/sessions?dry_run=true', asService)
  expect(Number(before.body.ended_sessions)).toBeGreaterThan(2)
  const all = await del('/sessions', asService)
  expect(all.body).toMatchObject({ people: before.body.people, ended_sessions: before.body.ended_sessions })
  expect((await admin(op, asSupport, 'GET', '/self')).status).toBe(401)
})
