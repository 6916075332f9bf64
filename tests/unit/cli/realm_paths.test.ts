/** Which paths are those of a realm: taken as they came, so that one realm has one spelling. */
import { expect, test } from 'bun:test'
import { realmNameIn } from '../../../src/cli/realms/handle.ts'

const origin = 'http://localhost:5000'

/** What the server sees of a path that a client sends as it is. */
async function received(paths: readonly string[]): Promise<string[]> {
  const server = Bun.serve({ port: 0, hostname: '127.0.0.1', fetch: ({ url }) => new Response(url) })
  const seen: string[] = []
  for (const path of paths) {
    const answer = Promise.withResolvers<string>()
    let text = ''
    await Bun.connect({
      hostname: '127.0.0.1',
      port: server.port!,
      socket: {
        open: (socket) => void socket.write(`GET ${path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`),
        data: (_socket, chunk) => void (text += chunk.toString()),
        close: () => answer.resolve(text),
      },
    })
    seen.push((await answer.promise).split('\r\n').at(-1)!)
  }
  await server.stop(true)
  return seen
}

test('a path that climbs out of a realm is that of the realm it leads to, whatever its spelling', async () => {
  const climbs = ['..', '%2e%2e', '.%2E', '%2e.'].map((up) => `/realms/a/${up}/b/token`)
  for (const url of await received(climbs)) expect(realmNameIn(url, '')).toBe('b')
  const [out, twice, slash, encoded] = await received([
    '/realms/a/../../token',
    '/realms//a/token',
    '/realms/a//../b/token',
    '/realms/a%2f..%2fb/token',
  ])
  expect([out, twice, slash, encoded].map((url) => realmNameIn(url!, ''))).toEqual([
    undefined,
    undefined,
    'a', // the path is /b/token in it, which is not served
    undefined,
  ])
})

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
