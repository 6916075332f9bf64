/** What the example applications show of their HTTP: requests, answers and claims, without secrets, as text and never as markup. */
import { expect, test } from 'bun:test'
import { type Exchange, exchangeOf, note, redirectOf } from '../../examples/exchanges/exchange.ts'
import { exchangesHtml, tokensHtml } from '../../examples/exchanges/html.ts'

const encoded = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
const jwt = (claims: object) => `${encoded({ alg: 'RS256' })}.${encoded(claims)}.${'s'.repeat(60)}`
const long = (prefix: string) => `${prefix}${'0123456789'.repeat(5)}`

const form = (fields: Record<string, string>, headers: Record<string, string> = {}) =>
  new Request('https://login.example.com/token?code=short', {
    method: 'POST',
    headers,
    body: new URLSearchParams(fields),
  })

test('no secret of a request or an answer is shown', async () => {
  const secrets = {
    code: long('lkc_'),
    code_verifier: long('v'),
    client_secret: 'secret456',
    refresh_token: long('lkr_'),
    client_assertion: jwt({ iss: 'c' }),
    subject_token: jwt({ sub: 's' }),
  }
  const headers = { Authorization: `Basic ${btoa('client123:secret456')}`, Cookie: 'session=abcdefgh' }
  const answer = Response.json(
    { access_token: long('lka_'), id_token: jwt({ sub: 'alice' }), deep: [{ refresh_token: long('lkr_') }] },
    { headers: { 'set-cookie': 'sid=abcdefgh' } },
  )
  const exchange = await exchangeOf(form({ grant_type: 'authorization_code', ...secrets }, headers), answer)
  const text = JSON.stringify(exchange)
  expect(text).not.toMatch(/0123456789|secret456|abcdefgh|ssss|short|eyJ[\w-]{3}/)
  expect(text).not.toContain(btoa('client123:secret456').slice(0, 8))
  expect(exchange.title).toBe('POST /token, authorization_code')
  expect(exchange.tokens).toMatchObject([{ name: 'id_token', claims: '{\n  "sub": "alice"\n}' }])
  const back = redirectOf('back', `https://app.example.com/callback?code=${long('lkc_')}&state=shown`)
  expect(back.request).toContain('state=shown')
  expect(back.request).not.toContain('0123456789')
})

test('a body that is neither JSON nor a form may be a token, and is not shown', async () => {
  for (const type of ['application/jwt', 'text/plain', 'application/json'])
    expect(
      JSON.stringify(
        await exchangeOf(
          new Request('https://login.example.com/userinfo'),
          new Response(jwt({ sub: 'alice' }), { headers: { 'content-type': type } }),
        ),
      ),
    ).not.toContain('eyJ')
})

test('what others write is text, wherever it stands', async () => {
  const hostile = `</pre><script>alert('1')</script>"`
  const exchange: Exchange = await exchangeOf(
    form({ grant_type: hostile, scope: hostile }, { 'x-name': hostile }),
    Response.json({ name: hostile, [hostile]: 1, id_token: jwt({ name: hostile, [hostile]: 1 }) }),
  )
  for (const html of [exchangesHtml([exchange]), tokensHtml([exchange])]) {
    expect(html).toContain('&#60;script&#62;')
    expect(html).not.toMatch(/<script|<\/pre><script|alert\('/)
  }
})

test('a page that is opened often keeps one exchange of each kind', () => {
  const exchanges = new Map<string, Exchange>()
  for (let i = 0; i < 1_000; i++)
    note(exchanges, redirectOf('The browser comes back', `https://app.example.com/callback?state=${i}`))
  expect(Array.from(exchanges.values(), ({ request }) => request)).toEqual([
    'GET /callback\n?state=999\nhost: app.example.com',
  ])
})
