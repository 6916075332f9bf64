/** Which paths are those of a realm: taken as they came, so that one realm has one spelling. */
import { expect, test } from 'bun:test'
import { realmNameIn } from '../../../src/cli/realms/handle.ts'

const origin = 'http://localhost:5000'

test.each([
  ['/realms/a', 'a'],
  ['/realms/a/', 'a'],
  ['/realms/a?x=/realms/b', 'a'],
  ['/realms/a/realms/b', 'a'],
  ['/realms/class-7/authorize?client_id=x', 'class-7'],
  [`/realms/${'x'.repeat(40)}/token`, 'x'.repeat(40)],
  ['/.well-known/openid-configuration/realms/a', 'a'],
  ['/.well-known/oauth-authorization-server/realms/a', 'a'],
  ['/.well-known/anything/realms/a/more', 'a'],
])('%s', (path, name) => {
  expect(realmNameIn(origin + path, '')).toBe(name)
  expect(realmNameIn(path, '')).toBe(name)
  const based = path.startsWith('/.well-known/')
    ? path.replace(/^(\/\.well-known\/[^/]+)/, '$1/base')
    : `/base${path}`
  expect(realmNameIn(origin + based, '/base')).toBe(name)
  expect(realmNameIn(origin + based, '')).toBeUndefined()
})

test.each([
  ...[
    '/',
    '',
    '/realms',
    '/realms/',
    '/realms//',
    '/realms//a',
    '/realms/..',
    '/realms/../realms',
    '/realms/.',
  ],
  ...[
    '/realms/%61',
    '/realms/a%2Fb',
    '/realms/%2e%2e/a',
    '/realms/A',
    '/realms/a;x',
    '/realms/a:80',
    '/realms/a\\b',
  ],
  ...[
    '/Realms/a',
    '/realmsa',
    '/realms-a/a',
    '//realms/a',
    '/x/realms/a',
    '/realms/é',
    '/realms/a_b',
    '/realms/a.b',
  ],
  ...[
    `/realms/${'x'.repeat(41)}`,
    `/realms/${'x'.repeat(100_000)}`,
    '/realms/a%00',
    '/realms/-a',
    '/realms/a-',
  ],
  ...['/.well-known', '/.well-known/', '/.well-known/x', '/.well-known/x/', '/.well-known/realms/a'],
  ...['/.well-known/x/y/realms/a', '/token?x=/realms/a', '/?/realms/a'],
])('%p is none', (path) => {
  expect(realmNameIn(origin + path, '')).toBeUndefined()
})
