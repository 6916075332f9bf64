/** What clients do is counted where it happens, and read by the API and by Prometheus. */
import { expect, test } from 'bun:test'
import { endSession } from '../../src/people/end_session.ts'
import { Session } from '../../src/models/session.ts'
import { User } from '../../src/models/user.ts'
import { usage, writeUsage } from '../../src/people/usage.ts'
import { admin, administrator, consoleClient, tokenOf } from '../support/administration.ts'
import { demo, post, refresh, stage, tokensOf } from '../support/flow.ts'
import { provider } from '../support/provider.ts'

interface Client {
  client_id: string | null
  [name: string]: unknown
}

test('tokens, sign-ins, refusals of known clients, people and sessions; a session that ends is none', async () => {
  const { op, alice } = await stage()
  const first = await tokensOf(op, alice)
  await refresh(op, demo, first.refresh_token)
  await refresh(op, demo, 'no refresh token')
  for (let i = 0; i < 20; i++)
    await post(op, '/token', { ...demo, client_id: `stranger-${i}` }, { grant_type: 'client_credentials' })
  await writeUsage(op.context)
  const [row, ...others] = await readRows(op)
  expect(row).toMatchObject({ client_id: demo.client_id, tokens: 2, sign_ins: 1, people: 1, sessions: 1 })
  expect(row!.refusals).toBe(1)
  expect(others).toEqual([expect.objectContaining({ client_id: null, other: false, refusals: 20 })])

  const metric = async () => {
    const text = await (await op.fetch(`${op.issuer}/metrics`)).text()
    return /^oidc_active_sessions (\d+)$/m.exec(text)?.[1]
  }
  expect(await metric()).toBe('1')
  const [session] = await Session.listOfUser(op.context, await subOf(op))
  await endSession(session!.sid, op.context)
  await writeUsage(op.context)
  expect(await metric()).toBe('0')
})

type Op = Awaited<ReturnType<typeof stage>>['op']

async function readRows(op: Op): Promise<Client[]> {
  const to = op.clock.now() / 1000 + 1
  return (await usage(op.context, { from: to - 60, to, by: 'day' })).whole.clients as unknown as Client[]
}

async function subOf(op: Op): Promise<string> {
  return (await User.findByUsername(op.context, 'alice'))!.sub
}

test('the API gives each period and the whole, and refuses more than it may read', async () => {
  const op = await provider()
  const token = await tokenOf(op, await consoleClient(op), await administrator(op, 'auditor'))
  await writeUsage(op.context)
  const { status, body } = await admin(op, token, 'GET', '/usage?by=day')
  expect(status).toBe(200)
  const periods = body.periods as { at: string; total: { tokens: number } }[]
  expect(periods).toHaveLength(31)
  expect(periods.at(-1)!.total.tokens).toBe(1)
  expect((body.whole as (typeof periods)[0]).total.tokens).toBe(1)
  for (const query of ['by=week', 'from=yesterday', 'from=2020-01-01T00:00:00Z&by=hour'])
    expect([query, (await admin(op, token, 'GET', `/usage?${query}`)).status]).toEqual([query, 400])
})
