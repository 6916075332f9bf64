/** A store that all servers have left is free at once; one that crashed is named by --gone, and nothing else waits. docs/decisions/0086-moves.md */
import { beforeEach, expect, test } from 'bun:test'
import { createPresence, useOf } from '../../src/models/presence.ts'
import { memoryStore } from '../../src/store/memory.ts'
import type { Backend } from '../../src/store/store.ts'
import { turnableClock } from '../support/provider.ts'

const second = 1_000
let clock = turnableClock()
let store: Backend
beforeEach(() => {
  clock = turnableClock()
  store = memoryStore(clock)
})

const server = (name: string) => createPresence({ plain: store, clock }, `${name}:5000`, `id-of-${name}`)
const nameOf = (name: string) => `${name}:5000/id-of-${name}`
/** As a server does at most once a minute. */
const beat = () =>
  store.put('birth', JSON.stringify({ since: 1, undated_since: 1, seen_at: Math.floor(clock.now() / 1000) }))
const use = (...gone: string[]) => useOf({ store, plain: store, clock }, { gone, hasEnded: () => false })

test('the last server that leaves frees the store, although another one crashed before', async () => {
  await server('crashed').sign()
  clock.advance(60 * second)
  const one = server('one')
  await one.sign()
  await beat()
  await one.leave('server')
  expect(await use()).toContain(`--gone ${nameOf('crashed')}`)
  expect(await use(nameOf('crashed'))).toBeUndefined()
})

test('of a server that crashed nothing waits once it is named', async () => {
  await server('crashed').sign()
  await beat()
  expect(await use(nameOf('crashed'))).toContain('uses it, seen 0 seconds ago')
  clock.advance(31 * second)
  expect(await use()).toContain(`--gone ${nameOf('crashed')}`)
  expect(await use(nameOf('crashed'))).toBeUndefined()
})

test('a server without signs of its own, which uses the store after the one that crashed, is waited for', async () => {
  await server('crashed').sign()
  clock.advance(31 * second)
  await beat()
  expect(await use(nameOf('crashed'))).toContain('stop every instance, and try again in 150 seconds')
})

test('a server that leaves frees nothing while another one runs, or has just crashed', async () => {
  const [one, other] = [server('one'), server('other')]
  await one.sign()
  await other.sign()
  await beat()
  await one.leave('server')
  clock.advance(3 * second)
  expect(await use()).toContain(`${nameOf('other')} uses it`)
  await beat()
  await other.leave('server')
  expect(await use()).toBeUndefined()
})
