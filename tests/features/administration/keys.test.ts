/** The administration API lists and rotates keys; rotations in a row make one key. docs/administration.md */
import { expect, test } from 'bun:test'
import { memoryStore } from '../../../src/store/memory.ts'
import { admin, administrator, consoleClient, tokenOf } from '../../support/administration.ts'
import { provider, turnableClock } from '../../support/provider.ts'

const clock = turnableClock()
const op = await provider({
  clock,
  keyStorage: memoryStore(clock),
  env: { SIGNING_ALGS: 'ES256 RS256', AUDIT_SIGNING_KEY: 'a_key_of_the_test_'.repeat(3) },
})
const client = await consoleClient(op)
const operator = await tokenOf(op, client, await administrator(op, 'operator'))
const auditor = await tokenOf(op, client, await administrator(op, 'auditor'))

interface Key {
  kid: string
  alg: string
  state: string
  age: number
  is_new?: boolean
}
const list = async () => (await admin(op, auditor, 'GET', '/keys')).body.items as Key[]
const rotate = async (body: unknown = {}) => admin(op, operator, 'POST', '/keys/rotate', { body })

test('keys have their state and age, and never a private part', async () => {
  op.clock.advance(5000)
  const { status, body } = await admin(op, auditor, 'GET', '/keys')
  expect(status).toBe(200)
  const items = body.items as Key[]
  expect(items.map(({ alg, state }) => [alg, state])).toContainEqual(['ES256', 'current'])
  expect(items.every(({ age }) => age >= 5)).toBe(true)
  expect(JSON.stringify(body)).not.toMatch(/"(?:d|p|q|sealed|private)"|PRIVATE KEY/)
})

test('rotations in a row, and at once, make one key, so that they fill neither the store nor the JWKS', async () => {
  const before = (await list()).length
  const answers = await Promise.all([1, 2, 3, 4, 5].map(() => rotate({ algs: ['ES256'] })))
  const kids = answers.map(({ status, body }) => {
    expect(status).toBe(200)
    const [key] = body.keys as Key[]
    expect([key!.alg, key!.state]).toEqual(['ES256', 'next'])
    return key!.kid
  })
  expect(new Set(kids).size).toBe(1)
  expect((await list()).length).toBe(before + 1)
  expect(((await rotate({ algs: ['ES256'] })).body.keys as Key[])[0]!.is_new).toBe(false)
  const { body } = await admin(op, auditor, 'GET', '/audit/entries?kind=changed_by_administrator')
  const entries = body.items as { details: Record<string, unknown> }[]
  expect(entries.length).toBe(6)
  for (const { details } of entries)
    expect(details).toMatchObject({ change: 'keys_rotated', kids: [kids[0]!], role: 'operator' })
})

test('an algorithm that has no key here is refused, and an auditor rotates nothing', async () => {
  const before = await list()
  const odd = await rotate({ algs: ['ES256', 'EdDSA'] })
  expect([odd.status, odd.body.expected]).toEqual([422, expect.stringContaining('ES256')])
  expect((await rotate({ algs: ['none'] })).status).toBe(400)
  expect((await admin(op, auditor, 'POST', '/keys/rotate', { body: {} })).status).toBe(403)
  expect((await list()).map(({ kid }) => kid)).toEqual(before.map(({ kid }) => kid))
})
