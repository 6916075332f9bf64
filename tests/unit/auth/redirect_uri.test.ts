/** Redirects: what may be registered and what matches. https://www.rfc-editor.org/rfc/rfc9700#section-2.1, RFC 8252 */
import { describe, expect, test } from 'bun:test'
import {
  formEncode,
  matchRedirectUri,
  redirectUriProblem,
  type TrustedRedirect,
  withQuery,
} from '../../../src/auth/redirect_uri.ts'

describe('a redirect matches', () => {
  const registered = ['https://app.example/cb', 'com.myapp://callback', 'https://app.example/cb?tenant=a']
  test.each(registered)('%s when it is the same, character by character', (uri) => {
    expect(matchRedirectUri(registered, uri)).toBe(uri as TrustedRedirect)
  })

  test.each([
    'https://app.example/cb/',
    'https://app.example/CB',
    'https://APP.example/cb',
    'https://app.example:443/cb',
    'https://app.example/cb?x=1',
    'https://app.example/cb#',
    'https://app.example/cb/../other',
    'https://app.example/c%62',
    'https://app.example.evil.example/cb',
    'https://app.example@evil.example/cb',
    'https://evil.example/https://app.example/cb',
    'http://app.example/cb',
    '//app.example/cb',
    ' https://app.example/cb',
    'com.myapp://callback/',
    'com.myapp:/callback',
    '',
  ])('never %j', (uri) => expect(matchRedirectUri(registered, uri)).toBeUndefined())

  test.each([
    ['http://127.0.0.1/cb', 'http://127.0.0.1:51004/cb'],
    ['http://127.0.0.1:8080/cb', 'http://127.0.0.1/cb'],
    ['http://127.0.0.1:8080/cb', 'http://127.0.0.1:9090/cb'],
    ['http://[::1]/cb', 'http://[::1]:61023/cb'],
    ['http://127.0.0.1', 'http://127.0.0.1:4711'],
  ])('%s also as %s: a native app has no port of its own', (one, asked) => {
    expect(matchRedirectUri([one], asked)).toBe(asked as TrustedRedirect)
  })

  test.each([
    ['http://127.0.0.1/cb', 'http://127.0.0.1:8080/other'],
    ['http://127.0.0.1/cb', 'http://127.0.0.1:8080/cb?x=1'],
    ['http://127.0.0.1/cb', 'http://127.0.0.1:8080/cb#x'],
    ['http://127.0.0.1/cb', 'http://[::1]:8080/cb'],
    ['http://127.0.0.1/cb', 'http://localhost:8080/cb'],
    ['http://127.0.0.1/cb', 'https://127.0.0.1:8080/cb'],
    ['http://127.0.0.1/cb', 'http://127.0.0.1:99999/cb'],
    ['http://127.0.0.1/cb', 'http://127.0.0.1:80@evil.example/cb'],
    ['http://127.0.0.1/cb', 'http://127.0.0.1.evil.example/cb'],
    ['http://127.0.0.1/cb', 'http://127.0.0.2/cb'],
    ['http://localhost:8080/cb', 'http://localhost:9090/cb'],
    ['https://127.0.0.1/cb', 'https://127.0.0.1:8080/cb'],
  ])('%s never as %s', (one, asked) => expect(matchRedirectUri([one], asked)).toBeUndefined())
})

describe('may be registered', () => {
  test.each([
    'https://app.example/cb',
    'https://app.example:8443/cb?a=b',
    'http://localhost:8080/callback',
    'http://127.0.0.1/cb',
    'http://[::1]/cb',
    'com.myapp://callback',
    'com.example.app:/oauth',
  ])('%s', (uri) => expect(redirectUriProblem(uri, undefined)).toBeUndefined())

  test('a private-use scheme by a native application, not by a web one', () => {
    expect(redirectUriProblem('com.myapp://callback', 'native')).toBeUndefined()
    expect(redirectUriProblem('com.myapp://callback', 'web')).toContain('private-use')
  })

  test.each([
    ['http://app.example/cb', 'http off loopback'],
    ['http://localhost.evil.example/cb', 'http off loopback'],
    ['https://app.example/cb#frag', 'fragment'],
    ['https://app.example/#', 'fragment'],
    ['https://*.example/cb', 'wildcard'],
    ['https://app.example/*', 'wildcard'],
    ['https://user:pass@app.example/cb', 'user information'],
    ['https://app.example@evil.example/cb', 'user information'],
    ['https://app.example/a/../b', 'dot segment'],
    ['https://app.example/..', 'dot segment'],
    ['https://app.example\\@evil.example', 'backslash'],
    ['https://app.example/ cb', 'ASCII'],
    ['https://bücher.example/cb', 'ASCII'],
    ['/cb', 'ASCII'],
    ['', 'ASCII'],
    ['javascript:alert(1)', 'scheme'],
    ['data:text/html,x', 'scheme'],
    ['file:///etc/passwd', 'scheme'],
    ['vbscript:x', 'scheme'],
    ['myapp://callback', 'scheme'],
    ['ftp://app.example/cb', 'scheme'],
    [`https://app.example/${'a'.repeat(2000)}`, '2000'],
  ])('%s: never, it %s', (uri, why) => expect(redirectUriProblem(uri, undefined)).toContain(why))
})

describe('response parameters', () => {
  const redirect = (uri: string) => matchRedirectUri([uri], uri)!
  test('join the query that is there', () => {
    expect(withQuery(redirect('https://a.example/cb'), { code: 'x' })).toBe('https://a.example/cb?code=x')
    expect(withQuery(redirect('https://a.example/cb?t=1'), { code: 'x' })).toBe(
      'https://a.example/cb?t=1&code=x',
    )
  })

  test('are encoded, so that a state cannot add another parameter or a header', () => {
    const state = 'a&code=evil#\r\nSet-Cookie: x'
    const url = new URL(withQuery(redirect('https://a.example/cb'), { state, iss: undefined }))
    expect([...url.searchParams]).toEqual([['state', state]])
    expect(url.hash).toBe('')
    expect(formEncode({ a: undefined, b: ' +' })).toBe('b=%20%2B')
  })
})
