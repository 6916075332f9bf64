/** What a recorded flow says is true of it: checks that held, open outcomes, faults of the lab, signatures of clients, and what jobs did later. docs/lab.md */
import { afterAll, expect, test } from 'bun:test'
import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import { deliverDue } from '../../src/features/backchannel_logout/deliver.ts'
import { kindsOf, outcomeOf, whyOpen } from '../../src/models/recording/flow_kinds.ts'
import type { Flow, Step } from '../../src/models/recording/recorded.ts'
import { begin, receiver, settle, start } from '../support/backchannel.ts'
import { authorizationUrl, demo, formPost } from '../support/client.ts'
import { browser, operatorClient, tokensOf } from '../support/flow.ts'
import { listener } from '../support/listener.ts'
import { type Provider, provider } from '../support/provider.ts'
import { until } from '../support/until.ts'

const app = listener()
afterAll(() => app.stop())

const lab = (env: Record<string, string> = {}) =>
  provider({ env: { LAB: 'true', OUTBOUND_ALLOW_HOSTS: app.hostPort, ...env } })
const flows = (op: Provider): Flow[] => op.context.recorder!.flows.list()
const newest = (op: Provider): Flow => flows(op)[0]!
const stepsOf = ({ exchanges }: Flow): Step[] => exchanges.flatMap(({ steps }) => steps)
const pageOf = async (op: Provider, { id }: Flow) =>
  (await (await op.fetch(`/lab/flow?id=${id}`)).text()).replace(/<[^>]*>/g, ' ').replace(/\s+/g, ' ')

test('no check that holds says that something is required which did not come', async () => {
  const op = await lab()
  await tokensOf(op, browser(op), demo, { scope: 'profile', nonce: undefined })
  const held = stepsOf(newest(op)).flatMap((step) => (step.kind === 'check' && step.held ? [step] : []))
  expect(held.length).toBeGreaterThan(20)
  const demands = held.filter(
    ({ expected, came }) =>
      came === undefined && /\b(?:is|are) required\b|must have|of a pushed request/.test(expected),
  )
  expect(demands.map(({ expected }) => expected)).toEqual([])
  const said = held.map(({ expected }) => expected)
  expect(said).toContain('a nonce may be left out with response_type=code')
  expect(said).toContain('scope may lack openid with response_type=code')
  expect(said).toContain('a request may come without being pushed')
  expect(await pageOf(op, newest(op))).not.toContain('Came nothing')
})

test('a demand that is made says the same where it holds and where it fails', async () => {
  const op = await lab({ REQUIRE_PAR: 'true' })
  await op.fetch(authorizationUrl(op.issuer, demo).url)
  const pushed = stepsOf(newest(op)).find((step) => step.kind === 'check' && step.rule === 'RFC 9126 §5')
  expect(pushed).toMatchObject({ held: false, expected: 'a request_uri of a pushed request' })
})

test('an open flow says why', async () => {
  const op = await lab()
  await op.fetch(authorizationUrl(op.issuer, demo).url)
  expect(whyOpen(newest(op))).toBe('the browser was led to the next page, and has not asked for it')
  await browser(op).open(authorizationUrl(op.issuer, demo).url)
  expect(whyOpen(newest(op))).toBe('a page was shown, and its form has not been sent')
  expect(await pageOf(op, newest(op))).toContain('a page was shown, and its form has not been sent.')
  await tokensOf(op, browser(op))
  expect([outcomeOf(newest(op)), whyOpen(newest(op))]).toEqual(['succeeded', undefined])
})

test('a fault that the lab told is marked in its flow, and in no other', async () => {
  const op = await lab()
  await op.fetch('/lab/api/trouble', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ client_id: demo.client_id, fault: 'nonce' }),
  })
  await tokensOf(op, browser(op))
  const told = newest(op)
  expect(await pageOf(op, told)).toContain('fault told: nonce')
  const report = await (await op.fetch(`/lab/flow/export?id=${told.id}&as=markdown`)).text()
  expect(report).toContain('The lab told the fault `nonce` here.')
  expect(await (await op.fetch('/lab/flows')).text()).toContain('fault told: nonce')
  await op.fetch(`/lab/api/trouble?client_id=${demo.client_id}`, { method: 'DELETE' })
  await tokensOf(op, browser(op))
  expect(await pageOf(op, newest(op))).not.toContain('fault told')
})

test('a sign-out that ends several grants is one flow, with its page', async () => {
  const op = await lab()
  const who = browser(op)
  await tokensOf(op, who)
  await tokensOf(op, who)
  await who.press((await who.open('/logout')).page!, 'logout')
  const [signOut, ...others] = flows(op)
  expect(kindsOf(signOut!)).toEqual(['logout'])
  expect(signOut!.exchanges.map(({ request }) => request.method)).toEqual(['GET', 'POST'])
  expect(others.filter((each) => kindsOf(each).includes('logout'))).toEqual([])
})

test('two sign-outs are two flows', async () => {
  const op = await lab()
  for (const who of [browser(op), browser(op)]) {
    await tokensOf(op, who)
    await who.press((await who.open('/logout')).page!, 'logout')
  }
  expect(flows(op).filter((each) => kindsOf(each).includes('logout'))).toHaveLength(2)
})

test('the delivery of a logout token is a part of the flow of its sign-out', async () => {
  const op = await lab()
  const client = await operatorClient(op, { client_id: 'told', backchannel_logout_uri: `${app.origin}/told` })
  const who = browser(op)
  await tokensOf(op, who, client)
  await who.press((await who.open('/logout')).page!, 'logout')
  const before = newest(op)
  expect(stepsOf(before).some(({ job }) => job !== undefined)).toBe(false)
  op.clock.advance(10_000)
  await Promise.all(await deliverDue(op.context))
  const after = newest(op)
  expect(after.id).toBe(before.id)
  const later = stepsOf(after).filter(({ job }) => job === 'logout_delivery')
  const posted = later.find((step) => step.kind === 'outbound')
  expect(posted).toMatchObject({ purpose: 'logout', answer: { status: 200 } })
  expect(later.some((step) => step.kind === 'signed' && step.token?.header.typ === 'logout+jwt')).toBe(true)
  const page = await pageOf(op, after)
  expect(page).toContain('The job logout_delivery, 10 s after the request:')
  // The token is masked as in any other message.
  const signature = app.heard[0]!.form.logout_token!.split('.')[2]!
  expect(JSON.stringify(later)).not.toContain(signature)
})

test('a notification of CIBA is a part of the flow of its request', async () => {
  const ear = receiver()
  const op = await start(
    { env: { LAB: 'true', OUTBOUND_ALLOW_HOSTS: ear.host } },
    { backchannel_token_delivery_mode: 'ping', backchannel_client_notification_endpoint: ear.url },
  )
  await begin(op, { client_notification_token: 'the-token-of-the-client' })
  await settle(op)
  await ear.until(1)
  const posted = () =>
    flows(op).flatMap((flow) =>
      stepsOf(flow).flatMap((step) =>
        step.kind === 'outbound' && step.job === 'backchannel_delivery'
          ? [[kindsOf(flow)[0], step.answer]]
          : [],
      ),
    )
  await until(() => posted().length > 0, 'the steps of the delivery')
  expect(posted()).toEqual([['CIBA', expect.objectContaining({ status: 204 })]])
  expect(JSON.stringify(flows(op))).not.toContain('the-token-of-the-client')
  ear.stop()
})

test('a job of a request that is not kept changes no flow', async () => {
  const op = await lab()
  await tokensOf(op, browser(op))
  const before = JSON.stringify(flows(op))
  const { recorder } = op.context
  expect(await recorder!.later('mail', 'mail:unknown', async () => 'done')).toBe('done')
  await expect(
    recorder!.later('mail', 'mail:unknown', () => Promise.reject(new Error('no'))),
  ).rejects.toThrow('no')
  expect(JSON.stringify(flows(op))).toBe(before)
})

test('a request is found by its id, also after others, and not once it is gone', async () => {
  const op = await lab()
  const answer = await op.fetch('/token', formPost(demo, { grant_type: 'client_credentials' }))
  const id = answer.headers.get('x-request-id')!
  const flow = newest(op)
  await tokensOf(op, browser(op))
  expect(op.context.recorder!.flows.ofRequest(id)?.id).toBe(flow.id)
  op.context.recorder!.flows.clear()
  expect(op.context.recorder!.flows.ofRequest(id)).toBeUndefined()
})

const signatures = (flow: Flow) =>
  stepsOf(flow).flatMap((step) => (step.kind === 'verified' ? [[step.whose, step.held, step.alg]] : []))

test('the signature of a client assertion is verified step by step', async () => {
  const op = await lab()
  const { publicKey, privateKey } = await generateKeyPair('ES256', { extractable: true })
  await operatorClient(op, {
    client_id: 'keys',
    grant_types: ['client_credentials'],
    response_types: [],
    redirect_uris: [],
    token_endpoint_auth_method: 'private_key_jwt',
    jwks: { keys: [{ ...(await exportJWK(publicKey)), kty: 'EC', kid: 'one', alg: 'ES256' }] },
  })
  const now = Math.floor(op.clock.now() / 1000)
  const send = async (key: CryptoKey) =>
    op.fetch('/token', {
      method: 'POST',
      body: new URLSearchParams({
        grant_type: 'client_credentials',
        client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
        client_assertion: await new SignJWT({ jti: crypto.randomUUID() })
          .setProtectedHeader({ alg: 'ES256', kid: 'one' })
          .setIssuer('keys')
          .setSubject('keys')
          .setAudience(op.issuer)
          .setIssuedAt(now)
          .setExpirationTime(now + 60)
          .sign(key),
      }),
    })
  expect((await send(privateKey)).status).toBe(200)
  expect(signatures(newest(op))).toContainEqual(['client', true, 'ES256'])
  expect(await pageOf(op, newest(op))).toContain('among the public keys that the client registered')
  expect((await send((await generateKeyPair('ES256')).privateKey)).status).toBe(401)
  expect(signatures(newest(op))).toContainEqual(['client', false, 'ES256'])
})

test('the signature of a DPoP proof is verified with the key of its header', async () => {
  const op = await lab()
  const { publicKey, privateKey } = await generateKeyPair('ES256', { extractable: true })
  const proof = await new SignJWT({ jti: 'one', htm: 'POST', htu: `${op.issuer}/token` })
    .setProtectedHeader({ typ: 'dpop+jwt', alg: 'ES256', jwk: await exportJWK(publicKey) })
    .setIssuedAt(Math.floor(op.clock.now() / 1000))
    .sign(privateKey)
  const answer = await op.fetch(
    '/token',
    formPost(demo, { grant_type: 'client_credentials' }, { dpop: proof }),
  )
  expect(answer.status).toBe(200)
  expect(signatures(newest(op))).toContainEqual(['header', true, 'ES256'])
  expect(await pageOf(op, newest(op))).toContain('The key stands in the header')
})

test('the signature of a request object is verified with a key of the client', async () => {
  const op = await lab()
  const { publicKey, privateKey } = await generateKeyPair('ES256', { extractable: true })
  const client = await operatorClient(op, {
    client_id: 'signs',
    jwks: { keys: [{ ...(await exportJWK(publicKey)), kty: 'EC', kid: 'one', alg: 'ES256' }] },
  })
  const { params } = authorizationUrl(op.issuer, client)
  const request = await new SignJWT({ ...params, aud: op.issuer, iss: 'signs' })
    .setProtectedHeader({ typ: 'oauth-authz-req+jwt', alg: 'ES256', kid: 'one' })
    .sign(privateKey)
  await op.fetch(`/authorize?${new URLSearchParams({ client_id: 'signs', request })}`)
  expect(signatures(newest(op))).toContainEqual(['client', true, 'ES256'])
})
