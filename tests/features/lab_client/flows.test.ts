/** The other flows of the playground, walked through without JavaScript: as they should be, and changed. */
import { beforeAll, expect, test } from 'bun:test'
import { alice } from '../../support/person.ts'
import { type Provider, provider } from '../../support/provider.ts'
import { claimsOf } from '../../support/client.ts'
import { serveProvider } from '../../browser/served.ts'
import { begin, checksOf, failedIn, held, pageIn, type Walk } from './walk.ts'

let op: Provider
beforeAll(async () => {
  op = await provider({ env: { LAB: 'true' } })
})

/** Sends the steps one after the other; `/take` after the name of a step gives the client what the browser brought. */
async function walkThrough(flow: string, steps: readonly string[], at = op): Promise<Walk> {
  const walk = await begin(at, flow)
  for (const each of steps) {
    const [step = '', take] = each.split('/')
    await walk.send(step)
    if (take) await walk.take()
    expect({ flow, step, failed: failedIn(walk.page) }).toEqual({ flow, step, failed: [] })
    expect(checksOf(walk.page).length).toBeGreaterThan(0)
  }
  return walk
}

test.each([
  ['client_credentials', ['token', 'introspect', 'revoke', 'introspect_again']],
  ['private_key_jwt', ['token', 'introspect', 'revoke', 'introspect_again']],
  ['par', ['push', 'authorize/take', 'token', 'userinfo', 'refresh']],
  ['jar', ['authorize/take', 'token', 'userinfo']],
  ['dpop', ['authorize/take', 'token', 'userinfo', 'refresh']],
])('%s: each check holds', async (flow, steps) => {
  await walkThrough(flow, steps)
})

test('CIBA: the client waits for the End-User, who answers on a page', async () => {
  const walk = await walkThrough('ciba', ['request'])
  expect((await walk.send('token')).html).toContain('authorization_pending')
  const link = /class="button" href="([^"]*)"/.exec((await walk.open('person')).html)?.[1]
  let page = pageIn(await walk.who.open(link!))
  page = pageIn(await walk.who.press(page, 'login', alice))
  expect(page.html).toContain(`Window ${held(await walk.open('token')).window}`)
  await walk.who.press(page, 'allow')
  op.clock.advance(10_000)
  expect(failedIn(await walk.send('token'))).toEqual([])
  expect(failedIn(await walk.send('userinfo'))).toEqual([])
})

test('token exchange: the copy can do less, names the actor, and never more', async () => {
  const walk = await walkThrough('token_exchange', [
    'authorize/take',
    'token',
    'actor',
    'exchange',
    'userinfo',
  ])
  expect(claimsOf(held(walk.page).exchanged_token)).toMatchObject({
    sub: 'user-alice',
    scope: 'openid',
    act: { sub: 'latchkey-lab-confidential' },
  })
  expect(failedIn(await walk.send('exchange', { 'p.scope': 'openid phone' }))).toContain(refused)
  const { id_token = '' } = held(walk.page)
  expect(failedIn(await walk.send('exchange', { 'p.subject_token': id_token }))).toContain(refused)
})

test('implicit: what is after # reaches the client when the address is pasted, and a swapped token is noticed', async () => {
  const walk = await begin(op, 'implicit')
  const { url } = await walk.send('authorize')
  expect(url).toContain('#')
  expect(walk.page.html).toContain('It brought no parameter.')
  expect(failedIn(await walk.take())[0]).toBe('- The answer has id_token and access_token.')
  await walk.send('authorize')
  await walk.take({ address: walk.page.url })
  expect(failedIn(walk.page)).toEqual([])
  expect(failedIn(await walk.send('userinfo'))).toEqual([])
  await walk.send('authorize')
  await walk.take({ address: walk.page.url.replace(/access_token=[^&]*/, 'access_token=of-an-attacker') })
  expect(failedIn(walk.page)).toEqual(['- at_hash is the hash of the access token.'])
  const noNonce = await walk.send('authorize', { 'p.nonce': '' })
  expect(noNonce.url).toContain('error=invalid_request')
})

test('hybrid: the ID Token names its code, by fragment and by form_post', async () => {
  const walk = await begin(op, 'hybrid')
  await walk.send('authorize')
  await walk.take({ address: walk.page.url.replace(/code=[^&]*/, 'code=of-an-attacker') })
  expect(failedIn(walk.page)).toEqual(['- c_hash is the hash of the code.'])
  await walk.send('authorize')
  await walk.take({ address: walk.page.url })
  expect(failedIn(walk.page)).toEqual([])
  expect(failedIn(await walk.send('token'))).toEqual([])
  const posted = await walk.send('authorize', { more: 'response_mode=form_post' })
  const form = posted.forms.find(({ action }) => action.endsWith('/lab/client/callback'))!
  walk.page = pageIn(await walk.who.press({ ...posted, forms: [{ ...form, buttons: ['go'] }] }, 'go'))
  expect(failedIn(await walk.take())).toEqual([])
})

test('an answer leads to the recorded flow: what the provider checked', async () => {
  const { page, who } = await walkThrough('code', ['authorize/take', 'token'])
  const link = /href="(\/lab\/flow\?id=[^"]*)"/.exec(page.html)?.[1]
  const flow = pageIn(await who.open(link!))
  expect(flow.status).toBe(200)
  expect(flow.html).toContain('authorization_code')
})

const refused = '- The answer is a success.'

test('client credentials: a wrong secret, and a scope about an End-User', async () => {
  const walk = await begin(op, 'client_credentials')
  const wrong = await walk.send('token', { 'h.authorization': 'Basic bGF0Y2hrZXk6d3Jvbmc=' })
  expect(wrong.html).toContain('invalid_client')
  const scope = await walk.send('token', { more: 'scope=openid' })
  expect(failedIn(scope)).toContain(refused)
  expect(scope.html).toContain('invalid_scope')
})

test('the secret of each process is another', async () => {
  const secretAt = async (at: Provider) =>
    /Basic [\w+/=]+/.exec((await begin(at, 'client_credentials')).page.html)?.[0]
  const [one, two] = [await secretAt(op), await secretAt(await provider({ env: { LAB: 'true' } }))]
  expect(one).toBeDefined()
  expect(one).not.toBe(two)
})

const assertion = (field: string) => `t.client_assertion.${field}`

test.each([
  ['another key', { [assertion('key')]: 'other' }],
  ['no signature', { [assertion('key')]: 'none' }],
  ['alg none', { [assertion('key')]: 'none', [assertion('header')]: '{"alg":"none"}' }],
  ['no assertion', { [assertion('key')]: 'absent' }],
  ['no JSON', { [assertion('claims')]: '{{{' }],
])('private_key_jwt with %s is refused', async (_, fields) => {
  const walk = await begin(op, 'private_key_jwt')
  const page = await walk.send('token', fields)
  expect(failedIn(page)).toContain(refused)
  expect(page.html).toContain('HTTP/1.1 40')
})

test('private_key_jwt: an assertion for another server is refused, and the claims are sent as they were changed', async () => {
  const walk = await begin(op, 'private_key_jwt')
  const now = Math.floor(op.clock.now() / 1000)
  const claims = (aud: string, jti: string) =>
    JSON.stringify(
      { iss: 'latchkey-lab-keys', sub: 'latchkey-lab-keys', aud, jti, iat: now, exp: now + 60 },
      null,
      2,
    )
  expect(
    failedIn(await walk.send('token', { [assertion('claims')]: claims('https://another.example', 'a') })),
  ).toContain(refused)
  expect(failedIn(await walk.send('token', { [assertion('claims')]: claims(op.issuer, 'b') }))).toEqual([])
  // Once is once.
  expect(failedIn(await walk.send('token', { [assertion('claims')]: claims(op.issuer, 'b') }))).toContain(
    refused,
  )
})

test('a device: the code waits for the End-User, who answers on a page', async () => {
  const walk = await walkThrough('device', ['device_authorization'])
  expect((await walk.send('token')).html).toContain('authorization_pending')
  const { user_code } = held(walk.page)
  const link = /class="button" href="([^"]*)"/.exec((await walk.open('person')).html)?.[1]
  expect(link).toBe(`${op.issuer}/device?user_code=${user_code}`)
  let page = pageIn(await walk.who.open(link!))
  page = pageIn(await walk.who.press(page, 'login', alice))
  if (page.forms.some(({ buttons }) => buttons.includes('continue')))
    page = pageIn(await walk.who.press(page, 'continue', { user_code: user_code! }))
  await walk.who.press(page, 'allow')
  op.clock.advance(10_000)
  expect(failedIn(await walk.send('token'))).toEqual([])
  expect(failedIn(await walk.send('userinfo'))).toEqual([])
  op.clock.advance(10_000)
  expect(failedIn(await walk.send('token'))).toContain(refused)
})

test('PAR: what stands beside the reference counts for nothing, and the reference is good once', async () => {
  const walk = await walkThrough('par', ['push'])
  await walk.send('authorize', { more: 'scope=openid email phone' })
  await walk.take()
  await walk.send('token')
  expect(held(walk.page).scope).toBe('openid profile email')
  const again = await walk.send('authorize')
  expect(again.status).toBe(400)
})

test('JAR: a request object that another key signed is refused; the answer is a JWT of the provider', async () => {
  const walk = await begin(op, 'jar')
  const page = await walk.send('authorize', { 't.request.key': 'other' })
  expect(new URL(page.url).pathname).toBe('/authorize')
  expect(page.status).toBe(400)
  await walk.send('authorize')
  const { fields = {} } = walk.page.forms.find(({ buttons }) => buttons.includes('take')) ?? {}
  expect(claimsOf(fields['a.response'])).toMatchObject({ iss: op.issuer, aud: 'latchkey-lab-keys' })
  await walk.take({ 'a.response': fields['a.response']!.slice(0, -4) + 'AAAA' })
  expect(failedIn(walk.page)).toEqual(['- The response is signed by a key of the provider.'])
})

test('JARM: parameters beside the response, or no response, give the client nothing', async () => {
  const walk = await begin(op, 'jar')
  await walk.send('authorize')
  await walk.take({ 'a.response': '', 'a.code': 'lkc_of_an_attacker' })
  expect(failedIn(walk.page)).toEqual(['- The answer is a JWT in the parameter response.'])
  expect(held(walk.page).code).toBeUndefined()
})

test('DPoP: a thief of the token has no key', async () => {
  const walk = await walkThrough('dpop', ['authorize/take', 'token'])
  const { access_token } = held(walk.page)
  for (const fields of [
    { 't.dpop.key': 'absent' },
    { 't.dpop.key': 'other' },
    { 't.dpop.key': 'absent', 'h.authorization': `Bearer ${access_token}` },
    { 't.dpop.claims': '{"jti":"a","htm":"POST","htu":"https://another.example/"}' },
  ])
    expect(failedIn(await walk.send('userinfo', fields))).toContain(refused)
  expect(failedIn(await walk.send('userinfo'))).toEqual([])
})

test('DPoP: the nonce of the provider comes into the next proof', async () => {
  const at = await provider({ env: { LAB: 'true', DPOP_REQUIRE_NONCE: 'true' } })
  const walk = await walkThrough('dpop', ['authorize/take'], at)
  expect((await walk.send('token')).html).toContain('use_dpop_nonce')
  expect(failedIn(await walk.send('token'))).toEqual([])
})

test('an issuer with a path: all is below it', async () => {
  const at = await provider({ env: { LAB: 'true', ISSUER_URL: 'http://localhost:5000/tenant' } })
  const walk = await walkThrough('dpop', ['authorize/take', 'token', 'userinfo'], at)
  expect(new URL(walk.page.url).pathname).toBe('/tenant/lab/client/run')
  expect(walk.page.html).toContain('GET /tenant/userinfo HTTP/1.1')
  expect(walk.page.html).toContain('href="/tenant/lab/flow?id=')
})

const plain = (html: string): string =>
  html.replace(/&(amp|lt|gt|quot|#x27);/g, (entity) => entities[entity]!)
const entities: Record<string, string> = {
  '&amp;': '&',
  '&lt;': '<',
  '&gt;': '>',
  '&quot;': '"',
  '&#x27;': "'",
}

/** The command of the last request, run by a shell. */
async function runCommand(html: string): Promise<string> {
  const [, command = ''] = /<summary>As a command<\/summary><pre[^>]*><code>([^<]*)/.exec(html) ?? []
  const run = Bun.spawn(['sh', '-c', `${plain(command)} -s -m 10`], { stdout: 'pipe' })
  return new Response(run.stdout).text()
}

test('the command is what was sent: a shell that runs it gets the same answer', async () => {
  const at = await serveProvider({ LAB: 'true' })
  try {
    const walk = await begin(at, 'client_credentials')
    expect(await runCommand((await walk.send('token')).html)).toContain('"token_type":"Bearer"')
    const odd = await walk.send('token', { 'p.grant_type': `it's; $(id) "a" \`b\`` })
    const answer = await runCommand(odd.html)
    expect(answer).toContain('unsupported_grant_type')
    expect(answer).toContain("it's; $(id)")
    const untyped = await walk.send('token', { 'h.content-type': '' })
    expect(untyped.html).toContain('invalid_request')
    expect(await runCommand(untyped.html)).toContain('invalid_request')
  } finally {
    await at.stop()
  }
})
