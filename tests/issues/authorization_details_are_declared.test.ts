/** Issue 8, line 74: authorization_details are what a type declares, for the APIs of the token. https://www.rfc-editor.org/rfc/rfc9396 */
import { describe, expect, test } from 'bun:test'
import { join } from 'node:path'
import { alice } from '../support/person.ts'
import { authorizationUrl, claimsOf, demo, type Json } from '../support/client.ts'
import { authorize, browser, introspect, operatorClient, post, redeem, refresh } from '../support/flow.ts'
import { type Provider, provider } from '../support/provider.ts'

const [bank, shop] = ['https://bank.example/api', 'https://shop.example']
const types = {
  payment: {
    description: { en: 'Make a payment', de: 'Eine Zahlung ausführen' },
    members: {
      actions: { values: ['initiate', 'status'] },
      locations: {},
      amount: {
        type: 'object',
        required: true,
        members: { currency: { values: ['EUR'] }, value: { description: 'How much', required: true } },
      },
      to: { description: { en: 'Paid to' } },
      express: { type: 'boolean' },
      parts: { type: 'number' },
      items: { type: 'objects', members: { name: { required: true } } },
    },
  },
}
const env = {
  AUTHORIZATION_DETAILS_TYPES: JSON.stringify(types),
  RESOURCES: `${bank} ${shop} https://other.example`,
}
const good = { type: 'payment', amount: { value: '5' } }

const said = (details: unknown) => ({ authorization_details: JSON.stringify(details) })
const errorOf = async (op: Provider, details: unknown) => {
  const answer = await op.fetch(authorizationUrl(op.issuer, demo, said(details)).url)
  return new URL(answer.headers.get('location')!, op.issuer).searchParams.get('error')
}

describe('a type declares its members', () => {
  test.each([
    ['a misspelt member', { ...good, too: 'x' }],
    ['a misspelt member of an object', { type: 'payment', amount: { value: '5', curency: 'EUR' } }],
    ['a missing member', { type: 'payment' }],
    ['a missing member of an object', { type: 'payment', amount: {} }],
    ['a common member that is not declared', { ...good, privileges: ['all'] }],
    ['text in place of a list', { ...good, actions: 'initiate' }],
    ['another value', { ...good, actions: ['delete'] }],
    ['another value in an object', { type: 'payment', amount: { value: '5', currency: 'USD' } }],
    ['a number as text', { ...good, parts: '3' }],
    ['a list as text', { ...good, to: ['a'] }],
    ['null', { ...good, to: null }],
    ['an object of no use', { ...good, items: [{ name: 'a', price: 1 }] }],
    ['a name of every object', JSON.parse('{"type":"payment","amount":{"value":"5"},"__proto__":{"a":1}}')],
    ['a name of every object', { ...good, constructor: 'x' }],
    ['a type that is a name of every object', { type: 'constructor' }],
  ])('%s is refused', async (_, detail) => {
    const op = await provider({ env })
    expect(await errorOf(op, [good, detail])).toBe('invalid_authorization_details')
  })

  test('all that is declared is granted', async () => {
    const op = await provider({ env })
    const all = {
      type: 'payment',
      actions: ['initiate', 'status'],
      locations: [bank],
      amount: { currency: 'EUR', value: '5' },
      to: 'Shop',
      express: true,
      parts: 3,
      items: [{ name: 'a' }, { name: 'b' }],
    }
    const { body } = await redeem(op, demo, await authorize(op, browser(op), demo, said([all])))
    expect(body.authorization_details).toEqual([all])
  })

  test('a type that is a name alone has the members of RFC 9396 §2.2', async () => {
    const op = await provider({ env: { AUTHORIZATION_DETAILS_TYPES: 'account https://x.example/pay' } })
    const common = {
      type: 'account',
      locations: [bank],
      actions: ['read'],
      datatypes: ['balance'],
      identifier: '7',
      privileges: ['owner'],
    }
    const { body } = await redeem(op, demo, await authorize(op, browser(op), demo, said([common])))
    expect(body.authorization_details).toEqual([common])
    expect(await errorOf(op, [{ ...common, action: ['read'] }])).toBe('invalid_authorization_details')
    expect(await errorOf(op, [{ type: 'https://x.example/pay' }])).toBeNull()
  })

  test('the pages have the words of the operator', async () => {
    const op = await provider({ env })
    const visitor = browser(op)
    const { url } = authorizationUrl(op.issuer, demo, said([{ ...good, to: '<b>Shop</b>' }]))
    const login = await visitor.open(url)
    const { page } = await visitor.press(login.page!, 'login', alice)
    for (const words of ['Make a payment', 'How much', 'Paid to', '&lt;b&gt;Shop'])
      expect(page!.html).toContain(words)
  })

  test('a file declares them too, such as that of the examples', async () => {
    const path = join(import.meta.dir, '../../examples/authorization_details.json')
    const op = await provider({ env: { AUTHORIZATION_DETAILS_TYPES: path } })
    expect(await errorOf(op, [{ type: 'payment', amount: { currency: 'EUR', value: '5' } }])).toBeNull()
    expect(await errorOf(op, [{ type: 'payment', amount: { currency: 'EUR' } }])).toBe(
      'invalid_authorization_details',
    )
  })

  test.each([
    ['no members', { payment: {} }, 'payment.members'],
    ['an unknown kind', { p: { members: { a: { type: 'date' } } } }, 'expected one of text'],
    ['an object without members', { p: { members: { a: { type: 'object' } } } }, 'members are for'],
    ['values of a number', { p: { members: { a: { type: 'number', values: ['1'] } } } }, 'values are for'],
    ['the member type', { p: { members: { type: {} } } }, 'other than type'],
    ['actions that are text', { p: { members: { actions: { type: 'text' } } } }, 'RFC 9396 2.2'],
    ['a language that we do not speak', { p: { description: { xx: 'x' }, members: {} } }, 'description'],
  ])('refused at the start: %s', async (_, declared, words) => {
    const started = provider({ env: { AUTHORIZATION_DETAILS_TYPES: JSON.stringify(declared) } })
    await expect(started).rejects.toThrow(words)
  })
})

describe('a client without an End-User', () => {
  const ask = async (op: Provider, client: typeof demo, more: Record<string, string>) =>
    (await post(op, '/token', client, { grant_type: 'client_credentials', ...more })).body
  const service = (op: Provider, more: Json) =>
    operatorClient(op, { client_id: 'service', grant_types: ['client_credentials'], ...more })

  test('gets the details that an operator registered it for, and nothing is dropped silently', async () => {
    const op = await provider({ env })
    const plain = await service(op, {})
    for (const details of [[good], [{ type: 'unknown' }], [{ ...good, too: 'x' }], 'x', {}])
      expect((await ask(op, plain, said(details))).error).toBe('invalid_authorization_details')
    const registered = await service(op, {
      client_id: 'registered',
      authorization_details_types: ['payment'],
    })
    const granted = await ask(op, registered, said([good]))
    expect(granted.authorization_details).toEqual([good])
    expect(claimsOf(granted.access_token).authorization_details).toEqual([good])
    expect((await ask(op, registered, said([{ type: 'unknown' }]))).error).toBe(
      'invalid_authorization_details',
    )
    const self = await service(op, {
      client_id: 'self',
      self_registered: true,
      authorization_details_types: ['payment'],
    })
    expect((await ask(op, self, said([good]))).error).toBe('invalid_authorization_details')
  })

  test('keeps them in an exchange, and gets no more', async () => {
    const op = await provider({ env })
    const exchangeType = 'urn:ietf:params:oauth:grant-type:token-exchange'
    const client = await service(op, {
      grant_types: ['client_credentials', exchangeType],
      authorization_details_types: ['payment'],
    })
    const { access_token } = await ask(op, client, said([good]))
    const exchange = async (more: Record<string, string>) =>
      (
        await post(op, '/token', client, {
          grant_type: exchangeType,
          subject_token: String(access_token),
          subject_token_type: 'urn:ietf:params:oauth:token-type:access_token',
          ...more,
        })
      ).body
    expect((await exchange({})).authorization_details).toEqual([good])
    expect((await exchange(said([{ ...good, to: 'me' }]))).error).toBe('invalid_authorization_details')
  })
})

describe('details follow the audience of the token (§9.1)', () => {
  const atBank = { ...good, locations: [`${bank}/payments`], to: 'bank' }
  const atShop = { ...good, locations: [`${shop}/`], to: 'shop' }
  const anywhere = { ...good, to: 'anywhere' }
  const all = [atBank, atShop, anywhere]

  test('in the token, in the answer, and in the next token of the grant', async () => {
    const op = await provider({ env })
    const asked = { ...said(all), resource: bank }
    const { body } = await redeem(op, demo, await authorize(op, browser(op), demo, asked))
    expect(body.authorization_details).toEqual([atBank, anywhere])
    expect(claimsOf(body.access_token).authorization_details).toEqual([atBank, anywhere])
    const next = await refresh(op, demo, String(body.refresh_token))
    expect(next.body.authorization_details).toEqual([atBank, anywhere])
  })

  test('a host or a path that only begins alike is another API', async () => {
    const op = await provider({ env })
    const alike = [`${bank}2`, 'https://bank.example', 'https://bank.example.evil.example/api']
    const details = alike.map((each) => ({ ...good, locations: [each] }))
    const asked = { ...said([...details, anywhere]), resource: bank }
    const { body } = await redeem(op, demo, await authorize(op, browser(op), demo, asked))
    expect(body.authorization_details).toEqual([anywhere])
  })

  test('a token that names no resource has all', async () => {
    const op = await provider({ env })
    const { body } = await redeem(op, demo, await authorize(op, browser(op), demo, said(all)))
    expect(body.authorization_details).toEqual(all)
  })

  test('none that fits: the token has none', async () => {
    const op = await provider({ env })
    const asked = { ...said([atShop]), resource: bank }
    const { body } = await redeem(op, demo, await authorize(op, browser(op), demo, asked))
    expect(body.authorization_details).toEqual([])
    expect(claimsOf(body.access_token)).not.toHaveProperty('authorization_details')
  })

  test('a client without an End-User', async () => {
    const op = await provider({ env })
    const client = await operatorClient(op, {
      client_id: 'service',
      grant_types: ['client_credentials'],
      authorization_details_types: ['payment'],
    })
    const fields = { grant_type: 'client_credentials', resource: shop, ...said(all) }
    const { body } = await post(op, '/token', client, fields)
    expect(claimsOf(body.access_token).authorization_details).toEqual([atShop, anywhere])
  })

  test('each of two APIs of one token is told of its own', async () => {
    const op = await provider({ env })
    const api = await operatorClient(op, {
      client_id: 'bank',
      grant_types: ['client_credentials'],
      resource_uris: [bank],
    })
    const asked = { ...said(all), resource: `${bank}\n${shop}` }
    const { body } = await redeem(op, demo, await authorize(op, browser(op), demo, asked))
    expect(body.authorization_details).toEqual(all)
    expect(await introspect(op, String(body.access_token), api)).toMatchObject({
      active: true,
      authorization_details: [atBank, anywhere],
    })
  })
})
