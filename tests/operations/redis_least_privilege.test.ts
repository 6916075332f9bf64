/** The Redis user of docs/deployment.md is enough for every verb of the store, and for nothing else. OWASP ASVS 5.0 V13.2.2 */
import { afterAll, expect, test } from 'bun:test'
import { redisStore } from '../../src/store/redis.ts'
import { storeContract } from '../store/contract.ts'
import { rangeContract } from '../store/range_contract.ts'
import { scanContract } from '../store/scan_contract.ts'
import { blocksOf, document } from '../support/document.ts'
import { redisCli, startRedis } from '../support/redis.ts'

const rule = blocksOf(document('docs/deployment.md'))
  .find(({ note }) => note === 'redis-acl')!
  .text.trim()
const [, name = '', ...permissions] = rule.split(' ')

/** A server that knows this user, and refuses all others. */
async function serverWithUser(...more: string[]) {
  const server = await startRedis()
  redisCli(server.port, 'ACL', 'SETUSER', name, ...permissions, ...more)
  redisCli(server.port, 'ACL', 'SETUSER', 'default', 'off')
  const url = `redis://${name}:PASSWORD@127.0.0.1:${server.port}`
  return { server, url }
}

const handles =
  (...more: string[]) =>
  async () => {
    const { server, url } = await serverWithUser(...more)
    const [a, b] = [redisStore(url), redisStore(url)]
    return {
      a,
      b,
      pass: Bun.sleep,
      done: async () => {
        await Promise.all([a.close(), b.close()])
        await server.stop()
      },
    }
  }

storeContract('redis with the least privileges', handles())
rangeContract('redis with the least privileges', handles())
scanContract('redis with the least privileges for commands that read everything', handles('+scan', '+zscan'))

const opened = await serverWithUser()
afterAll(() => opened.server.stop())

test('it reads no other keys, flushes nothing and changes nothing of the server', async () => {
  const store = redisStore(opened.url)
  await store.put('k', 'v')
  const as = (...command: string[]) =>
    redisCli(opened.server.port, '--user', name, '--pass', 'PASSWORD', '--no-auth-warning', ...command)
  for (const command of [
    ['FLUSHALL'],
    ['KEYS', '*'],
    ['SCAN', '0'],
    ['CONFIG', 'GET', '*'],
    ['GET', 'other:key'],
    ['ACL', 'LIST'],
    ['SHUTDOWN'],
  ])
    expect([command, as(...command)]).toEqual([command, expect.stringContaining('NOPERM')])
  expect(await store.get('k')).toBe('v')
  await store.close()
})
