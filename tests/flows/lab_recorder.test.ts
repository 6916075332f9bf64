/** The recorder of the lab: exchanges become flows, with the checks that were made. docs/lab.md */
import { expect, test } from 'bun:test'
import type { CheckStep, Exchange, Flow } from '../../src/models/recording/recorded.ts'
import { kindsOf, outcomeOf, peopleOf } from '../../src/models/recording/flow_kinds.ts'
import { demo } from '../support/client.ts'
import { authorize, browser, post, redeem, tokensOf } from '../support/flow.ts'
import { type Provider, provider } from '../support/provider.ts'

const lab = (env: Record<string, string> = {}): Promise<Provider> =>
  provider({ env: { LAB: 'true', ...env } })

const flows = (op: Provider): Flow[] => op.context.recorder!.flows.list()
const newest = (op: Provider): Flow => flows(op)[0]!
const checks = ({ steps }: Exchange): CheckStep[] => steps.filter((each) => each.kind === 'check')
const ruleOf = (exchange: Exchange, rule: string) => checks(exchange).find((each) => each.rule === rule)

test('a code flow with its pages, tokens and a refresh is one flow', async () => {
  const op = await lab()
  const tokens = await tokensOf(op, browser(op), demo, { scope: 'openid profile offline_access' })
  await post(op, '/token', demo, { grant_type: 'refresh_token', refresh_token: tokens.refresh_token })
  await op.fetch('/userinfo', { headers: { authorization: `Bearer ${tokens.access_token}` } })
  expect(flows(op)).toHaveLength(1)
  const flow = newest(op)
  expect(kindsOf(flow)).toEqual(['authorization', 'sign-in', 'code', 'refresh', 'userinfo'])
  expect(peopleOf(flow)).toEqual(['alice'])
  expect(outcomeOf(flow)).toBe('succeeded')
})

test('each check of a token request is there in order, with its rule and values', async () => {
  const op = await lab()
  const authorized = await authorize(op, browser(op))
  await redeem(op, demo, authorized)
  const exchange = newest(op).exchanges.at(-1)!
  expect(exchange.grantType).toBe('authorization_code')
  expect(checks(exchange).every((each) => each.held && each.rule !== '')).toBe(true)
  const pkce = ruleOf(exchange, 'RFC 7636 §4.6')!
  expect(pkce.came).toBe(authorized.params.code_challenge)
  expect(pkce.wanted).toBe(pkce.came)
  const rules = checks(exchange).map((each) => each.rule)
  expect(rules.indexOf('RFC 6749 §2.3.1')).toBeLessThan(rules.indexOf('RFC 7636 §4.6'))
})

test('a wrong verifier is the check that failed, and the flow is refused', async () => {
  const op = await lab()
  const authorized = await authorize(op, browser(op))
  await redeem(op, demo, authorized, { code_verifier: 'x'.repeat(43) })
  const flow = newest(op)
  const failed = checks(flow.exchanges.at(-1)!).filter((each) => !each.held)
  expect(failed.map(({ rule, code }) => [rule, code])).toEqual([['RFC 7636 §4.6', 'invalid_grant']])
  expect(failed[0]!.came).not.toBe(failed[0]!.wanted!)
  expect(outcomeOf(flow)).toBe('refused')
})

test('a refusal that no check declares is a failed check, too', async () => {
  const op = await lab()
  await op.fetch('/token', { method: 'POST', body: 'grant_type=x' })
  const [check] = checks(newest(op).exchanges[0]!)
  expect(check).toMatchObject({ held: false, rule: 'RFC 6749 §3.2' })
})

test('what was written and taken from the store, signed and seen is there', async () => {
  const op = await lab()
  await tokensOf(op, browser(op))
  const { exchanges } = newest(op)
  const steps = exchanges.flatMap((each) => each.steps)
  expect(steps).toContainEqual(
    expect.objectContaining({ kind: 'store', verb: 'create', of: 'grant', held: true }),
  )
  const code = steps.find((each) => each.kind === 'store' && each.of === 'code' && each.ttl !== undefined)
  expect(code).toBeDefined()
  const signed = steps.filter((each) => each.kind === 'signed').at(-1)!
  expect(signed).toMatchObject({ token: { claims: { iss: op.issuer, aud: demo.client_id } } })
  expect(exchanges.flatMap((each) => each.answer.page?.title ?? [])).toContainEqual(
    expect.stringContaining('Sign in'),
  )
})

test('two flows of one session and one client are two', async () => {
  const op = await lab()
  const who = browser(op)
  await tokensOf(op, who)
  await tokensOf(op, who)
  expect(flows(op).filter((each) => kindsOf(each).includes('code'))).toHaveLength(2)
})

test('pages of an account join no flows, and neither does a sign-out', async () => {
  const op = await lab()
  const who = browser(op)
  const all = [await tokensOf(op, who), await tokensOf(op, who)]
  const before = flows(op).map(({ id, exchanges }) => [id, exchanges.length])
  expect(before).toHaveLength(2)
  for (const path of ['/account', '/account/applications', '/account/activity'])
    expect((await who.open(path)).page).toBeDefined()
  expect(flows(op).map(({ id, exchanges }) => [id, exchanges.length])).toEqual(before)
  for (const { access_token } of all)
    await op.fetch('/user/data-export', { headers: { authorization: `Bearer ${access_token}` } })
  expect(flows(op).map(({ id, exchanges }) => [id, exchanges.length])).toEqual(before)
  await who.press((await who.open('/logout')).page!, 'logout')
  const after = flows(op)
  expect(after.slice(0, -2).map(kindsOf)).toEqual([['logout']])
  expect(after.slice(-2).map(({ id, exchanges }) => [id, exchanges.length])).toEqual(before)
})

test('pages of the lab and public documents are not recorded', async () => {
  const op = await lab()
  for (const path of [
    '/lab',
    '/lab/flow/export?id=x',
    '/jwks.json',
    '/.well-known/openid-configuration',
    '/',
  ])
    await op.fetch(path)
  expect(flows(op)).toEqual([])
})

test('a provider without LAB has no recorder', async () => {
  const op = await provider()
  expect(op.context.recorder).toBeUndefined()
})

test('the export as JSON is the flow', async () => {
  const op = await lab()
  await tokensOf(op, browser(op))
  const { id } = newest(op)
  const response = await op.fetch(`/lab/flow/export?id=${id}&as=json`)
  expect(response.headers.get('content-disposition')).toContain('attachment')
  expect(await response.json()).toMatchObject({ id, outcome: 'succeeded', clients: [demo.client_id] })
  expect((await op.fetch('/lab/flow/export?id=unknown')).status).toBe(404)
})
