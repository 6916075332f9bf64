/** Who a client says it is, before anybody believes it. https://www.rfc-editor.org/rfc/rfc6749#section-2.3 */
import { describe, expect, test } from 'bun:test'
import { jwtBearerAssertion, parseBasic, readCredentials } from '../../../src/auth/client_auth.ts'

const basic = (text: string) => `Basic ${Buffer.from(text).toString('base64')}`
const read = (authorization: string | undefined, params: Record<string, string> = {}) =>
  readCredentials({ authorization, params })
const jwtOf = (payload: unknown) => `e30.${Buffer.from(JSON.stringify(payload)).toString('base64url')}.x`

describe('Basic', () => {
  type Readings = [string, ...string[]]
  const parsed = (client_ids: Readings, secrets: Readings) => ({ client_ids, secrets })

  test('both halves are form-encoded, or raw', () => {
    expect(parseBasic(basic('a%3Ab:p%2Bq+r%25'))).toEqual(parsed(['a:b', 'a%3Ab'], ['p+q r%', 'p%2Bq+r%25']))
    expect(parseBasic(basic('client:with:colons'))).toEqual(parsed(['client'], ['with:colons']))
    expect(parseBasic(basic('client:').replace('Basic', 'bAsIc'))).toEqual(parsed(['client'], ['']))
  })

  test.each<[string, Readings, Readings]>([
    ['a:%zz', ['a'], ['%zz']],
    ['a:%ff', ['a'], ['%ff']],
    ['a:50%', ['a'], ['50%']],
    ['a:b+/c=', ['a'], ['b+/c=']], // an encoded "/" would be %2F
    ['a:b+c', ['a'], ['b c', 'b+c']],
    ['https://a.example/b%20c:s', ['https://a.example/b%20c'], ['s']],
    ['http://a.example:8080/b:s', ['http://a.example:8080/b'], ['s']],
    ['URN:a:b:', ['URN:a:b'], ['']],
    ['https:s', ['https'], ['s']],
    ['https%3A%2F%2Fa.example:s', ['https://a.example', 'https%3A%2F%2Fa.example'], ['s']],
    ['a:\u20ac', ['a'], ['\u20ac']],
  ])('%j', (text, ids, secrets) => expect(parseBasic(basic(text))).toEqual(parsed(ids, secrets)))

  test('a client_id with colons ends where the body says, and Latin-1 is read', () => {
    expect(parseBasic(basic('a:b:c:d'), 'a:b')).toEqual(parsed(['a:b'], ['c:d']))
    expect(parseBasic(basic('a:b:c:d'), 'x')).toEqual(parsed(['a'], ['b:c:d']))
    expect(parseBasic(`Basic ${btoa('a:\u00e4')}`)).toEqual(parsed(['a'], ['\u00e4']))
  })

  test.each([
    'Basic',
    'Basic ',
    'Basic !!!',
    'Basic YTpi YTpi',
    basic('nocolon'),
    basic(':secret'),
    basic('https//a'),
    'Bearer abc',
  ])('%j is none', (header) => expect(parseBasic(header)).toBeUndefined())

  test('a malformed header is invalid_client, not a fall back to the body', () => {
    expect(() => read('Basic !!!', { client_id: 'a' })).toThrow('invalid_client')
  })

  test('the body may repeat the client_id and not change it', () => {
    expect(read(basic('a:s'), { client_id: 'a' })).toEqual({
      method: 'client_secret_basic',
      client_id: 'a',
      secrets: ['s'],
    })
    expect(read(basic('a%2Bb:s'), { client_id: 'a%2Bb' })).toMatchObject({ client_id: 'a%2Bb' })
    expect(read(basic('a%2Bb:s'), { client_id: 'a+b' })).toMatchObject({ client_id: 'a+b' })
    expect(() => read(basic('a:s'), { client_id: 'b' })).toThrow('invalid_request')
  })
})

describe('one way at a time', () => {
  const ways = {
    header: [basic('a:s'), {}],
    secret: [undefined, { client_id: 'a', client_secret: 's' }],
    assertion: [
      undefined,
      { client_assertion: jwtOf({ sub: 'a' }), client_assertion_type: jwtBearerAssertion },
    ],
  } as const
  const names = Object.keys(ways) as (keyof typeof ways)[]
  for (const one of names)
    for (const other of names.filter((each) => each > one))
      test(`${one} and ${other}`, () => {
        const [header] = [ways[one][0] ?? ways[other][0]]
        expect(() => read(header, { ...ways[one][1], ...ways[other][1] })).toThrow(
          'two client authentication methods',
        )
      })

  test('a bearer token in the header is no client authentication', () => {
    expect(read('Bearer abc', { client_id: 'a' })).toEqual({ method: 'none', client_id: 'a' })
  })
})

test('what comes in the body', () => {
  expect(read(undefined, { client_id: 'a' })).toEqual({ method: 'none', client_id: 'a' })
  expect(read(undefined, { client_id: 'a', client_secret: 's' })).toEqual({
    method: 'client_secret_post',
    client_id: 'a',
    secrets: ['s'],
  })
  expect(() => read(undefined)).toThrow('invalid_client')
  expect(() => read(undefined, { client_secret: 's' })).toThrow('invalid_client')
})

describe('an assertion', () => {
  const params = { client_assertion: jwtOf({ sub: 'a' }), client_assertion_type: jwtBearerAssertion }
  test('names its client by sub, and client_id may only agree', () => {
    expect(read(undefined, params)).toMatchObject({ method: 'client_assertion', client_id: 'a' })
    expect(read(undefined, { ...params, client_id: 'a' })).toMatchObject({ client_id: 'a' })
    expect(() => read(undefined, { ...params, client_id: 'b' })).toThrow('invalid_client')
  })

  test.each<Record<string, string>>([
    { client_assertion: params.client_assertion },
    { client_assertion_type: jwtBearerAssertion },
    { ...params, client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:saml2-bearer' },
    { ...params, client_assertion: 'x' },
    { ...params, client_assertion: jwtOf({}) },
    { ...params, client_assertion: jwtOf({ sub: 5 }) },
    { ...params, client_assertion: jwtOf(null) },
    { ...params, client_assertion: '..' },
  ])('%j is invalid_client', (bad) => expect(() => read(undefined, bad)).toThrow('invalid_client'))
})
