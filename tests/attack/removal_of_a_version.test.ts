/** A removal names the version that its caller has read. A change that comes after the read, and before the write, keeps the record. */
import { expect, test } from 'bun:test'
import { Client } from '../../src/models/client.ts'
import { memoryStore } from '../../src/store/memory.ts'
import { admin, administrator, consoleClient, tokenOf } from '../support/administration.ts'
import { provider, turnableClock } from '../support/provider.ts'

const clock = turnableClock()
const store = memoryStore(clock)
const replace = store.replace.bind(store)
let before: (() => Promise<unknown>) | undefined
store.replace = async (...given) => {
  const run = before
  before = undefined
  await run?.()
  return replace(...given)
}

const op = await provider({ env: { REALMS: 'true' }, store, clock })
const owner = await tokenOf(op, await consoleClient(op), await administrator(op, 'owner'))

/** The status of a removal in whose first swap another change comes first. */
async function removedLate(path: string, etag: string, change: object): Promise<number[]> {
  const headers = { 'if-match': etag }
  let changed = 0
  before = async () =>
    void ({ status: changed } = await admin(op, owner, 'PATCH', path, { body: change, headers }))
  const { status } = await admin(op, owner, 'DELETE', path, { headers })
  return [changed, status]
}

test('of a realm', async () => {
  const made = await admin(op, owner, 'POST', '/realms', { body: { name: 'raced' } })
  const etag = made.headers.get('etag')!
  expect(await removedLate('/realms/raced', etag, { title: 'Kept' })).toEqual([200, 412])
  expect((await admin(op, owner, 'GET', '/realms/raced')).body.title).toBe('Kept')
  clock.advance(61_000)
  expect(await op.context.realms!.find('raced')).toBeDefined()
})

test('of a client, which is not disabled by it', async () => {
  const body = { client_name: 'An app', metadata: { redirect_uris: ['https://app.example/cb'] } }
  const made = await admin(op, owner, 'POST', '/clients', { body })
  const id = String(made.body.client_id)
  const path = `/clients/${encodeURIComponent(id)}`
  const change = { metadata: { client_name: 'Kept' } }
  expect(await removedLate(path, made.headers.get('etag')!, change)).toEqual([200, 412])
  const kept = await Client.find(op.context, id)
  expect(kept).toMatchObject({ client_name: 'Kept', disabled: false })
})
