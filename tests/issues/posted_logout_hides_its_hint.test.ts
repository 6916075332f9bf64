/** A POST to /logout, or to /authorize, led the browser to an address with the id_token_hint in it. Issue 8, 79 */
import { expect, test } from 'bun:test'
import { authorizationUrl, demo } from '../support/client.ts'
import { bob, browser, outcome, stage, tokensOf } from '../support/flow.ts'
import type { Provider } from '../support/provider.ts'

const after = 'http://localhost:8080/'

/** What a form of another site sends: no cookies (SameSite=Lax). */
async function postFromElsewhere(
  op: Provider,
  fields: Record<string, string>,
  path = '/logout',
): Promise<string> {
  const answer = await op.fetch(path, {
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded', 'sec-fetch-site': 'cross-site' },
    body: new URLSearchParams(fields).toString(),
  })
  expect(answer.status).toBe(303)
  expect(answer.headers.getSetCookie()).toEqual([])
  return answer.headers.get('location')!
}

test('the address has neither the ID Token nor a part of it, and the sign-out is the same', async () => {
  const { op, alice } = await stage()
  const { id_token } = await tokensOf(op, alice)
  const location = await postFromElsewhere(op, {
    id_token_hint: id_token,
    post_logout_redirect_uri: after,
    state: 's',
  })
  for (const part of id_token.split('.')) expect(location).not.toContain(part)
  expect(location).not.toContain('id_token_hint')
  expect((await alice.open(location)).location!.href).toBe(`${after}?state=s`)
  expect(await outcome(op, alice, { prompt: 'none' })).toBe('error:login_required')
})

test('the page that asks keeps it in its form, not in an address', async () => {
  const { op, alice } = await stage()
  const { id_token } = await tokensOf(op, browser(op)) // of another session
  const location = await postFromElsewhere(op, { id_token_hint: id_token })
  const { page } = await alice.open(location)
  expect(page!.forms[0]!.buttons).toContain('logout')
  await alice.press(page!, 'logout')
  expect(await outcome(op, alice, { prompt: 'none' })).toBe('error:login_required')
})

test('another person who finds the address learns nothing of the ID Token from the page that asks', async () => {
  const { op, alice } = await stage()
  const { id_token } = await tokensOf(op, alice)
  const location = await postFromElsewhere(op, {
    id_token_hint: id_token,
    post_logout_redirect_uri: after,
    state: 's',
  })
  const other = browser(op)
  await tokensOf(op, other, demo, {}, bob)
  const { page } = await other.open(location)
  expect(page!.forms[0]!.buttons).toContain('logout')
  for (const part of id_token.split('.')) expect(page!.html).not.toContain(part)
  // The answer to the question leads back to the client, also when the seal has expired since.
  for (const waited of [0, 3_601_000]) {
    const again = (await other.open(location)).page ?? page!
    op.clock.advance(waited)
    expect((await other.press(again, 'logout')).location?.href).toBe(`${after}?state=s`)
    await tokensOf(op, other, demo, {}, bob)
  }
})

test('an address that is old or changed is asked about, as without a hint', async () => {
  const { op, alice } = await stage()
  const { id_token } = await tokensOf(op, alice)
  const location = await postFromElsewhere(op, { id_token_hint: id_token })
  const changed = location.replace(/.$/, (last) => (last === 'A' ? 'B' : 'A'))
  op.clock.advance(3_601_000)
  for (const address of [location, changed]) {
    const { page } = await alice.open(address)
    expect(page!.forms[0]!.buttons).toContain('logout')
  }
  expect(await outcome(op, alice, { prompt: 'none' })).toBe('code')
})

test('a posted authorization request: the hint is the same, and when it has expired it is refused and not ignored', async () => {
  const { op, alice } = await stage()
  const { id_token } = await tokensOf(op, alice)
  const { params } = authorizationUrl(op.issuer, demo, { prompt: 'none' })
  const fields = { ...(params as Record<string, string>), id_token_hint: id_token }
  const location = await postFromElsewhere(op, fields, '/authorize')
  for (const part of id_token.split('.')) expect(location).not.toContain(part)
  const other = browser(op)
  await tokensOf(op, other, demo, {}, bob)
  const answered = async (who: typeof alice, address = location) =>
    (await who.open(address)).location!.searchParams.get('error') ?? 'code'
  expect(await answered(alice)).toBe('code')
  expect(await answered(other)).toBe('login_required')
  const changed = location.replace(/sealed_hint=[^&]*/, 'sealed_hint=s1.AAAA')
  expect(changed).not.toBe(location)
  expect(await answered(other, changed)).toBe('invalid_request')
  op.clock.advance(3_601_000)
  expect(await answered(other)).toBe('invalid_request')
})
