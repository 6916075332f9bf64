/** Third-party initiated login: a link leads through us to where an application begins its sign-in. https://openid.net/specs/openid-connect-core-1_0.html#ThirdPartyInitiatedLogin */
import { afterAll, expect, test } from 'bun:test'
import { Client } from '../../src/models/client.ts'
import { alice, authorize, browser, demo, operatorClient } from '../support/flow.ts'
import { laboratory } from '../support/laboratory.ts'
import { type Provider, provider } from '../support/provider.ts'
import { asClient, manage, register, registered } from '../support/registration.ts'

const own = {
  redirect_uris: ['https://app.example/callback', 'com.example.app:/callback'],
  client_uri: 'https://www.app.example/',
  initiate_login_uri: 'https://app.example/begin?tenant=a%20b',
}

const start = async () => {
  const op = await provider()
  await operatorClient(op, { client_id: 'house', client_name: 'Our wiki', ...own })
  return op
}

const initiate = (op: Provider, params: Record<string, string>) =>
  op.fetch(`/initiate_login?${new URLSearchParams(params)}`)

const signOut = '<a href="/logout">Sign out</a>'
/** The links to applications: not the way out. */
const linksOf = (html: string) =>
  [...html.matchAll(/<a [^>]*href="([^"]*)"/g)]
    .map(([, href]) => href!)
    .filter((path) => !path.endsWith('/logout'))

test('an operator’s application is reached at once, with iss', async () => {
  const op = await start()
  const answer = await initiate(op, { client_id: 'house' })
  expect(answer.status).toBe(303)
  expect(answer.headers.get('location')).toBe(
    `https://app.example/begin?tenant=a%20b&iss=${encodeURIComponent(op.issuer)}`,
  )
})

test('nobody learns from it who sits at the browser', async () => {
  const op = await start()
  const who = browser(op)
  await authorize(op, who)
  const { location } = await who.open(`${op.issuer}/initiate_login?client_id=house`)
  expect([...location!.searchParams.keys()]).toEqual(['tenant', 'iss'])
})

for (const target of [
  'https://app.example/orders/7?a=b',
  'https://app.example:443/x',
  'https://www.app.example/start',
])
  test(`target_link_uri ${target} travels with it`, async () => {
    const location = (await initiate(await start(), { client_id: 'house', target_link_uri: target })).headers
    expect(new URL(location.get('location')!).searchParams.get('target_link_uri')).toBe(target)
  })

for (const target of [
  'https://evil.example/',
  'http://app.example/orders',
  'https://app.example:8443/',
  'https://app.example.evil.example/',
  'https://app.example@evil.example/',
  'https://user:secret@app.example/',
  'https://evil.example\\@app.example/',
  '//app.example/',
  '/orders',
  'com.example.app:/orders',
  'org.evil.app:/orders',
  'javascript:alert(1)',
  'data:text/html,x',
  `https://app.example/${'x'.repeat(2000)}`,
])
  test(`target_link_uri ${target.slice(0, 60)} is refused on a page`, async () => {
    const answer = await initiate(await start(), { client_id: 'house', target_link_uri: target })
    expect([answer.status, answer.headers.get('location')]).toEqual([400, null])
    expect(await answer.text()).toContain('target_link_uri')
  })

test('a client that registered itself is reached by a page that names its host, and never at once', async () => {
  const op = await start()
  const client = await registered(op, {
    ...own,
    client_name: '<b>Your bank</b>',
    redirect_uris: [own.redirect_uris[0]],
  })
  const answer = await initiate(op, {
    client_id: String(client.client_id),
    target_link_uri: 'https://app.example/orders',
  })
  const html = await answer.text()
  expect([answer.status, answer.headers.get('location')]).toEqual([200, null])
  expect(html).toContain('app.example</bdi>')
  expect(html).toContain('This app hasn’t been verified')
  expect(html).not.toContain('<b>Your bank')
  expect(html).not.toContain('http-equiv')
  const [, button = ''] = /<a class="button" href="([^"]*)"/.exec(html) ?? []
  const { host, searchParams } = new URL(button.replaceAll('&amp;', '&'))
  expect([host, searchParams.get('iss'), searchParams.get('target_link_uri')]).toEqual([
    'app.example',
    op.issuer,
    'https://app.example/orders',
  ])
})

const lab = laboratory()
afterAll(() => lab.close())

test('of a client that describes itself, the page names who speaks for it and where it leads', async () => {
  const server = await lab.https('localhost', ({ url }, response) => {
    const client_id = `https://localhost:${server.port}${url}`
    response
      .writeHead(200, { 'content-type': 'application/json' })
      .end(JSON.stringify({ client_id, ...own, redirect_uris: [own.redirect_uris[0]] }))
  })
  const op = await provider({
    env: {
      PROFILE: 'mcp',
      OUTBOUND_ALLOW_HOSTS: `localhost:${server.port}`,
      OUTBOUND_CA_PATH: lab.caPath,
    },
  })
  const answer = await initiate(op, { client_id: `https://localhost:${server.port}/client.json` })
  const html = await answer.text()
  expect([answer.status, answer.headers.get('location')]).toEqual([200, null])
  expect(html).toContain(`belong to <bdi class="host">localhost:${server.port}</bdi>`)
  expect(html).toContain('<bdi class="host">app.example</bdi>')
})

test('an unknown client, one that begins nowhere, and none at all get a page', async () => {
  const op = await start()
  for (const params of [{ client_id: 'nobody' }, { client_id: demo.client_id }, {}]) {
    const answer = await initiate(op, params as Record<string, string>)
    expect([answer.status, answer.headers.get('location')]).toEqual([400, null])
    expect(answer.headers.get('content-type')).toContain('text/html')
  }
})

test('what registers as initiate_login_uri takes a query, and neither fragment nor user', async () => {
  const op = await start()
  for (const uri of [
    'https://app.example/begin#x',
    'https://user@app.example/begin',
    'https://a.example/../b',
  ]) {
    const { status, body } = await register(op, { ...own, initiate_login_uri: uri })
    expect([uri, status, body.error]).toEqual([uri, 400, 'invalid_client_metadata'])
  }
})

test('/applications: the operator’s to everybody, a stranger’s to those who agreed to it', async () => {
  const op = await start()
  const made = await registered(op, {
    ...own,
    client_name: 'A shop',
    redirect_uris: ['https://shop.example/cb'],
    initiate_login_uri: 'https://shop.example/begin',
  })
  const silent = await registered(op, { redirect_uris: ['https://silent.example/cb'], client_name: 'Silent' })
  const who = browser(op)
  const login = await who.open(`${op.issuer}/applications`)
  const list = await who.press(login.page!, 'login', alice)
  expect(list.page!.url).toBe(`${op.issuer}/applications`)
  expect(linksOf(list.page!.html)).toEqual(['/initiate_login?client_id=house'])
  expect(list.page!.html).toContain('Our wiki')
  expect(list.page!.html).toContain(signOut)

  await authorize(op, who, asClient(made))
  await authorize(op, who, asClient(silent))
  const more = (await who.open(`${op.issuer}/applications`)).page!.html
  expect(linksOf(more)).toEqual([
    `/initiate_login?client_id=${made.client_id}`,
    '/initiate_login?client_id=house',
  ])
  expect(more).not.toContain('Silent')

  const asked = await who.open(`${op.issuer}/initiate_login?client_id=${made.client_id}`)
  expect(asked.page!.html).toContain('shop.example')
})

test('/applications forgets what was removed, disabled or changed', async () => {
  const op = await start()
  const who = browser(op)
  const made = await registered(op, {
    ...own,
    client_name: 'A shop',
    redirect_uris: ['https://shop.example/cb'],
    initiate_login_uri: 'https://shop.example/begin',
  })
  await authorize(op, who, asClient(made))
  await operatorClient(op, { client_id: 'second', ...own })
  await operatorClient(op, { client_id: 'third', ...own })
  const shown = async () => linksOf((await who.open(`${op.issuer}/applications`)).page!.html).length
  expect(await shown()).toBe(4)
  await Client.remove(op.context, 'house')
  await Client.update(op.context, 'second', (current) => ({ ...current, disabled: true }))
  const { initiate_login_uri: _gone, ...plain } = (await Client.find(op.context, 'third'))!
  await Client.update(op.context, 'third', () => plain)
  expect(await Client.launchers(op.context, 10)).toEqual(['second'])
  expect(await shown()).toBe(1)
  const { client_id, registration_access_token } = made
  await manage(op, 'PUT', made, registration_access_token, {
    client_id,
    redirect_uris: ['https://shop.example/cb'],
  })
  expect(await shown()).toBe(0)
  await Client.update(op.context, 'third', (current) => ({
    ...current,
    initiate_login_uri: own.initiate_login_uri,
  }))
  expect(await shown()).toBe(1)
})

test('/applications forgets what was agreed to long ago', async () => {
  const op = await provider({ env: { CONSENT_TTL: '600' } })
  const made = await registered(op, { ...own, redirect_uris: [own.redirect_uris[0]] })
  const who = browser(op)
  await authorize(op, who, asClient(made))
  const shown = async () => linksOf((await who.open(`${op.issuer}/applications`)).page!.html).length
  expect(await shown()).toBe(1)
  op.clock.advance(601_000)
  expect(await shown()).toBe(0)
})

test('an issuer with a path links below it', async () => {
  const op = await provider({ env: { ISSUER_URL: 'http://localhost:5000/op' } })
  await operatorClient(op, { client_id: 'house & co', ...own })
  const who = browser(op)
  const login = await who.open(`${op.issuer}/applications`)
  const { page } = await who.press(login.page!, 'login', alice)
  expect(linksOf(page!.html)).toEqual(['/op/initiate_login?client_id=house%20%26%20co'])
})
