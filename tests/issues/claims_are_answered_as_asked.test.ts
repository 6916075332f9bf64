/** Issue 8, lines 77 and 30: values and null members of the claims parameter. https://openid.net/specs/openid-connect-core-1_0.html#IndividualClaimsRequests */
import { describe, expect, test } from 'bun:test'
import { bob } from '../support/person.ts'
import { authorizationUrl, claimsOf, demo, type Json } from '../support/client.ts'
import { browser, open, tokensOf, userinfo } from '../support/flow.ts'
import { provider } from '../support/provider.ts'

const op = await provider()
const asking = (claims: unknown) => ({ scope: 'openid', claims: JSON.stringify(claims) })

/** Alice is signed in; whether a silent request is answered for her. */
async function answered(claims: unknown, more: Json = {}): Promise<string | null> {
  const alice = browser(op)
  const { id_token } = await tokensOf(op, alice)
  const hint = more.hint === true ? { id_token_hint: id_token } : {}
  const { location } = await open(op, alice, { ...asking(claims), ...hint, prompt: 'none' })
  return location!.searchParams.get('error')
}

describe('sub', () => {
  const alice = { values: ['user-bob', 'user-alice'] }
  test.each([
    ['any of the values', { id_token: { sub: alice } }],
    ['any of the values, at userinfo', { userinfo: { sub: alice } }],
    ['in both members', { id_token: { sub: { value: 'user-alice' } }, userinfo: { sub: alice } }],
    ['without a value', { id_token: { sub: { essential: true } } }],
    ['no values', { id_token: { sub: { values: [] } } }],
    ['a null value', { id_token: { sub: { value: null, values: null } } }],
  ])('%s: the request is answered', async (_, claims) => {
    expect(await answered(claims)).toBeNull()
    expect(await answered(claims, { hint: true })).toBeNull()
  })

  test.each([
    ['none of the values', { id_token: { sub: { values: ['user-bob', 'user-carol'] } } }],
    ['another value at userinfo', { userinfo: { sub: { value: 'user-bob' } } }],
    [
      'values that exclude each other',
      { id_token: { sub: alice }, userinfo: { sub: { value: 'user-bob' } } },
    ],
    ['no text', { id_token: { sub: { value: 42 } } }],
    ['no text among the values', { id_token: { sub: { values: [42, ['user-alice']] } } }],
  ])('%s: the request is not answered for her', async (_, claims) => {
    expect(await answered(claims)).toBe('login_required')
    expect(await answered(claims, { hint: true })).toBe('invalid_request')
  })

  test('a sign-in as another of the values is answered', async () => {
    const visitor = browser(op)
    const { url } = authorizationUrl(op.issuer, demo, asking({ id_token: { sub: alice } }))
    const answer = await visitor.goThrough(url, bob)
    expect(answer.searchParams.get('code')).not.toBeNull()
  })
})

describe('other claims', () => {
  const receive = async (requests: Json, scope = 'openid') => {
    const claims = JSON.stringify({ userinfo: requests, id_token: requests })
    const tokens = await tokensOf(op, browser(op), demo, { scope, claims })
    const documents = [(await userinfo(op, tokens.access_token)).body, claimsOf(tokens.id_token)]
    return documents.map((document) => Object.keys(requests).filter((name) => Object.hasOwn(document, name)))
  }

  test('come with a value that was asked for, and not with another', async () => {
    const right = { given_name: { value: 'Alice' }, email_verified: { values: [false, true] } }
    const names = Object.keys(right)
    expect(await receive(right)).toEqual([names, names])
    const wrong = {
      given_name: { value: 'Bob' },
      email: { values: ['bob@example.com'] },
      email_verified: { value: 'true' },
    }
    expect(await receive(wrong)).toEqual([[], []])
  })

  test('come whatever their value when a scope asks for them', async () => {
    const [atUserinfo] = await receive({ given_name: { value: 'Bob' } }, 'openid profile')
    expect(atUserinfo).toEqual(['given_name'])
  })

  test('a null member counts as absent', async () => {
    const names = ['given_name', 'email']
    const requests = {
      given_name: { essential: null, value: null, values: null },
      email: { values: [], value: null },
    }
    expect(await receive(requests)).toEqual([names, names])
    for (const claims of [
      { userinfo: null },
      { id_token: null, userinfo: { email: null } },
      { userinfo: null, id_token: null },
    ]) {
      const { access_token } = await tokensOf(op, browser(op), demo, asking(claims))
      expect((await userinfo(op, access_token)).status).toBe(200)
    }
  })
})
