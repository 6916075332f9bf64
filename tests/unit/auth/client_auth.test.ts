/** Who a client says it is, before anybody believes it. https://www.rfc-editor.org/rfc/rfc6749#section-2.3 */
import { describe, expect, test } from 'bun:test'
import { jwtBearerAssertion, parseBasic, readCredentials } from '../../../src/auth/client_auth.ts'

const basic = (text: string) => `Basic ${Buffer.from(text).toString('base64')}`
const read = (authorization: string | undefined, params: Record<string, string> = {}) =>
  readCredentials({ authorization, params })
const jwtOf = (payload: unknown) => `e30.${Buffer.from(JSON.stringify(payload)).toString('base64url')}.x`

describe('Basic', () => {
  test('both halves are form-encoded', () => {
    expect(parseBasic(basic('a%3Ab:p%2Bq+r%25'))).toEqual({ client_id: 'a:b', secret: 'p+q r%' })
    expect(parseBasic(basic('client:with:colons'))).toEqual({ client_id: 'client', secret: 'with:colons' })
    expect(parseBasic(basic('client:').replace('Basic', 'bAsIc'))).toEqual({
      client_id: 'client',
      secret: '',
    })
  })

  test.each([
    'Basic',
    'Basic ',
    'Basic !!!',
    'Basic YTpi YTpi',
    basic('nocolon'),
    basic(':secret'),
    basic('a:%zz'),
    basic('a:%ff'),
    'Bearer abc',
  ])('%j is none', (header) => expect(parseBasic(header)).toBeUndefined())

  test('a malformed header is invalid_client, not a fall back to the body', () => {
    expect(() => read('Basic !!!', { client_id: 'a' })).toThrow('invalid_client')
  })

  test('the body may repeat the client_id and not change it', () => {
    expect(read(basic('a:s'), { client_id: 'a' })).toEqual({
      method: 'client_secret_basic',
      client_id: 'a',
      secret: 's',
    })
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
    secret: 's',
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
