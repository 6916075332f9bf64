/** The code flow of the playground, walked through without JavaScript, as it should be and with each part changed. */
import { beforeAll, expect, test } from 'bun:test'
import { type Provider, provider } from '../../support/provider.ts'
import { bob } from '../../support/person.ts'
import { begin, checksOf, failedIn, fieldsOf, held, type Walk } from './walk.ts'

let op: Provider
beforeAll(async () => {
  op = await provider({ env: { LAB: 'true' } })
})

async function withCode(fields?: Record<string, string>): Promise<Walk> {
  const walk = await begin(op, 'code')
  await walk.send('authorize', fields)
  await walk.take()
  return walk
}

test('from the metadata to the sign-out, each check holds', async () => {
  const walk = await begin(op, 'code')
  expect(checksOf(await walk.send('discover'))).toHaveLength(1)
  expect(failedIn(walk.page)).toEqual([])
  const back = await walk.send('authorize')
  expect(new URL(back.url).pathname).toBe('/lab/client/callback')
  expect(checksOf(await walk.take())).toHaveLength(3)
  expect(failedIn(walk.page)).toEqual([])
  expect(checksOf(await walk.send('token'))).toHaveLength(7)
  expect(failedIn(walk.page)).toEqual([])
  for (const step of ['userinfo', 'refresh', 'revoke', 'logout']) {
    await walk.send(step)
    if (step === 'logout') await walk.take()
    expect({ step, failed: failedIn(walk.page) }).toEqual({ step, failed: [] })
    expect(checksOf(walk.page).length).toBeGreaterThan(0)
  }
})

test('the page says what is next, and when the run is done', async () => {
  const walk = await begin(op, 'code')
  expect(walk.page.html).toContain('Begin with step 1 of ')
  await walk.send('discover')
  expect(walk.page.html).toContain('Next: step 2 of ')
  await walk.send('authorize')
  await walk.take()
  await walk.send('token', { 'p.code_verifier': 'x'.repeat(43) })
  expect(walk.page.html).toContain('The last request did not do what the flow needs.')
  expect(walk.page.html).not.toContain('The run is done.')
  for (const step of ['token', 'userinfo', 'refresh', 'revoke', 'logout']) await walk.send(step)
  await walk.take()
  expect(walk.page.html).toContain('The run is done.')
})

test('a request that was changed is sent as it was changed', async () => {
  const walk = await withCode()
  const { code, code_verifier } = held(walk.page)
  const page = await walk.send('token', {
    'p.code_verifier': `x${code_verifier}`,
    'h.origin': 'https://a.example',
  })
  expect(failedIn(page)).toEqual(['- The answer is a success.'])
  expect(page.html).toContain(`code_verifier=x${code_verifier}`)
  expect(page.html).toContain('origin: https://a.example')
  expect(page.html).toContain('&quot;error&quot;: &quot;invalid_grant&quot;')
  // It is the same client, which still holds its code: a refused verifier does not use it up.
  expect(failedIn(await walk.send('token'))).toEqual([])
  expect(held(walk.page).code).toBe(code!)
})

test('the code sent twice: the tokens of the first answer end', async () => {
  const walk = await withCode()
  await walk.send('token')
  expect(failedIn(await walk.send('userinfo'))).toEqual([])
  await walk.send('token')
  expect(walk.page.html).toContain('invalid_grant')
  expect(failedIn(await walk.send('userinfo'))).toContain('- The answer is a success.')
})

test.each([
  ['state', '- state is the one that this client sent: the answer belongs to its own request.'],
  ['iss', '- iss is the provider that the client asked.'],
])('another %s in what the browser brought: the client notices', async (name, finding) => {
  const walk = await begin(op, 'code')
  await walk.send('authorize')
  await walk.take({ [`a.${name}`]: 'https://another.example' })
  expect(failedIn(walk.page)).toEqual([finding])
  expect(walk.page.html).toContain('A client stops here')
})

test('a state that was changed before it was sent comes back, and is not that of the client', async () => {
  const walk = await withCode({ 'p.state': 'of-another-browser' })
  expect(failedIn(walk.page)).toEqual([
    '- state is the one that this client sent: the answer belongs to its own request.',
  ])
})

test('a redirect URI that was changed leads nowhere, and the provider says why', async () => {
  const walk = await begin(op, 'code')
  const page = await walk.send('authorize', { 'p.redirect_uri': 'https://attacker.example/' })
  expect(new URL(page.url).pathname).toBe('/authorize')
  expect(page.status).toBe(400)
  expect((await walk.open('authorize')).html).toContain('The browser has not come back.')
})

test('a nonce that was changed is in the ID Token, and is not that of the client', async () => {
  const walk = await withCode({ 'p.nonce': 'another' })
  await walk.send('token')
  expect(failedIn(walk.page)).toEqual(['- nonce is that of the authorization request.'])
})

test('a parameter that is added, one that is emptied, another method', async () => {
  const walk = await withCode()
  const more = await walk.send('token', { more: 'scope=openid\nscope=profile', 'p.code': '', method: 'POST' })
  expect(more.html).toContain('scope=openid&amp;scope=profile')
  expect(more.html).not.toContain('&amp;code=')
  const got = await walk.send('token', { method: 'GET' })
  expect(got.html).toContain('HTTP/1.1 405 Method Not Allowed')
})

test('the command is what was sent: it gets the same kind of answer', async () => {
  const walk = await withCode()
  const { code_verifier } = held(walk.page)
  const page = await walk.send('token', { 'p.code_verifier': "it's" })
  expect(page.html).toContain(`curl -i -X POST &#x27;${op.issuer}/token&#x27;`)
  expect(page.html).toContain('-d &#x27;code_verifier=it%27s&#x27;')
  expect(page.html).not.toContain(`-d &#x27;code_verifier=${code_verifier}`)
})

test('a refused request leads to the page that explains it, in this lab', async () => {
  const walk = await withCode()
  const page = await walk.send('token', { 'p.code': 'lkc_unknown' })
  const [link = ''] = /\/lab\/error\?id=[\w-]+/.exec(page.html) ?? []
  const explained = await walk.who.open(link)
  expect(explained.page?.status).toBe(200)
  expect(explained.page?.html).toContain('POST /token')
})

test('the consent page names the playground, and a person who refuses is believed', async () => {
  const walk = await begin(op, 'code')
  const page = await walk.open('authorize')
  const login = (await walk.who.press(page, 'send')).page!
  const consent = (await walk.who.press(login, 'login', bob)).page!
  expect(consent.html).toContain('Playground of the lab')
  walk.page = (await walk.who.press(consent, 'deny')).page!
  expect(fieldsOf(walk.page, 'take')['a.error']).toBe('access_denied')
  await walk.take()
  expect(failedIn(walk.page)).toEqual(['- The answer is no error.'])
  expect(held(walk.page).code).toBeUndefined()
})

test('a token of the client is explained on the page of pasted tokens', async () => {
  const walk = await withCode()
  const page = await walk.send('token')
  const form = page.forms.find(({ fields }) => fields.token === held(page).id_token)!
  const explained = (await walk.who.press({ ...page, forms: [form] }, 'explain')).page!
  expect(explained.status).toBe(200)
  expect(explained.html).toContain('ID Token')
})

test('the header of the lab clock: the same code, an hour later', async () => {
  const at = await provider({ env: { LAB: 'true', LAB_CLOCK_HEADER: 'true' } })
  const walk = await begin(at, 'code')
  await walk.send('authorize')
  await walk.take()
  expect((await walk.send('token', { heads: 'X-Lab-Clock: +1h' })).html).toContain('invalid_grant')
  expect(failedIn(await walk.send('token'))).toEqual([])
})

test('a fault that the lab tells this client is found by its checks', async () => {
  const at = await provider({ env: { LAB: 'true' } })
  const body = JSON.stringify({ client_id: 'latchkey-lab-public', fault: 'nonce', minutes: 5 })
  const on = await at.fetch('/lab/api/trouble', {
    method: 'POST',
    body,
    headers: { 'content-type': 'application/json' },
  })
  expect(on.status).toBe(201)
  const walk = await begin(at, 'code')
  await walk.send('authorize')
  await walk.take()
  expect(failedIn(await walk.send('token'))).toEqual(['- nonce is that of the authorization request.'])
})

test('the End-User sees the access of the playground, and takes it away', async () => {
  const walk = await withCode()
  await walk.send('token')
  const list = (await walk.who.open('/account/applications')).page!
  const form = list.forms.find(({ fields }) => fields.client_id === 'latchkey-lab-public')!
  await walk.who.press({ ...list, forms: [form] }, form.buttons[0]!)
  expect(failedIn(await walk.send('userinfo'))).toContain('- The answer is a success.')
})
