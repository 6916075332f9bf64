/** Sign-out in the playground: begun by the client, told by frames and by the provider; and what a stranger can tell it. */
import { expect, test } from 'bun:test'
import { deliverDue } from '../../../src/features/backchannel_logout/deliver.ts'
import { serveProvider } from '../../browser/served.ts'
import { formPost } from '../../support/client.ts'
import { freePort } from '../../support/free_port.ts'
import { type Provider, provider } from '../../support/provider.ts'
import { begin, failedIn, held, type Walk } from './walk.ts'

const lab = { LAB: 'true' }

async function signedIn(op: Provider): Promise<Walk> {
  const walk = await begin(op, 'logout')
  await walk.send('authorize')
  await walk.take()
  await walk.send('token')
  expect(failedIn(walk.page)).toEqual([])
  expect(held(walk.page).sid).toBeDefined()
  return walk
}

const frameIn = (html: string): string =>
  (/<iframe src="([^"]*)"/.exec(html)?.[1] ?? '').replaceAll('&amp;', '&')
const stranger = { client_id: 'x', redirect_uri: '' }

test('front-channel: the frame of the signed-out page tells the client, and the sign-out comes back', async () => {
  const op = await provider({ env: lab })
  const walk = await signedIn(op)
  const out = await walk.send('logout')
  const frame = frameIn(out.html)
  expect(frame).toStartWith(`${op.issuer}/lab/client/frontchannel?`)
  const framed = await op.fetch(frame, { headers: { 'sec-fetch-dest': 'iframe' } })
  expect([framed.status, framed.headers.get('x-frame-options')]).toEqual([200, null])
  const onward = new RegExp(`href="(${op.issuer}/lab/client/callback[^"]*)"`).exec(out.html)?.[1]
  walk.page = (await walk.who.open(onward!.replaceAll('&amp;', '&'))).page!
  const back = await walk.take()
  expect(failedIn(back)).toEqual([])
  expect(back.html).toContain('GET /lab/client/frontchannel?iss=')
})

test('a stranger, HEAD and an opened link tell the client nothing', async () => {
  const op = await provider({ env: lab })
  const walk = await signedIn(op)
  const { sid, id_token = '' } = held(walk.page)
  const path = `/lab/client/frontchannel?${new URLSearchParams({ iss: op.issuer, sid: sid! })}`
  await op.fetch(path, { method: 'HEAD' })
  await op.fetch(path, { headers: { 'sec-fetch-dest': 'document' } })
  await op.fetch('/lab/client/frontchannel?sid=unknown')
  for (const logout_token of ['', 'a.b.c', `${id_token}x`])
    expect((await op.fetch('/lab/client/backchannel', formPost(stranger, { logout_token }))).status).toBe(400)
  expect((await walk.open('frontchannel')).html).not.toContain('GET /lab/client/frontchannel')
  // An ID Token is signed by the provider, and is no logout token.
  const answer = await op.fetch('/lab/client/backchannel', formPost(stranger, { logout_token: id_token }))
  expect(answer.status).toBe(400)
  expect(failedIn(await walk.open('backchannel'))).toContain('- typ is logout+jwt.')
  expect((await op.fetch('/lab/client/backchannel', formPost(stranger, {}), '192.168.1.7')).status).toBe(404)
})

test('back-channel: the provider posts a logout token where its own address is allowed', async () => {
  const port = freePort()
  const op = await serveProvider({ ...lab, OUTBOUND_ALLOW_HOSTS: `localhost:${port}` }, port)
  try {
    const walk = await signedIn(op)
    await walk.send('logout')
    op.clock.advance(60_000)
    await Promise.all(await deliverDue(op.context))
    const { html } = await walk.open('backchannel')
    expect(html).toContain('POST /lab/client/backchannel HTTP/1.1')
    expect(html).toContain('backchannel-logout')
    expect(failedIn(walk.page)).toEqual([])
  } finally {
    await op.stop()
  }
})
