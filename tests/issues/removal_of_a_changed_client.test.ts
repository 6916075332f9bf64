/** A removal judges the client in the swap that disables it: a change that comes between is seen. */
import { expect, test } from 'bun:test'
import { removeClient } from '../../src/endpoints/remove_client.ts'
import { Client } from '../../src/models/client.ts'
import { ManagedByFile } from '../../src/models/managed_by.ts'
import { memoryStore } from '../../src/store/memory.ts'
import type { Store } from '../../src/store/store.ts'
import { admin, serviceClient, serviceToken } from '../support/administration.ts'
import { operatorClient } from '../support/flow.ts'
import { provider, turnableClock } from '../support/provider.ts'

/** `between` runs once, before the verb reaches the key. */
function interrupted(verb: 'replace' | 'take', key: string, between: () => Promise<unknown>) {
  const clock = turnableClock()
  const plain = memoryStore(clock)
  const state = { armed: false }
  const store = new Proxy(plain, {
    get(target, name) {
      const found = Reflect.get(target, name) as unknown
      if (typeof found !== 'function') return found
      return async (...args: unknown[]) => {
        if (state.armed && name === verb && args[0] === key) {
          state.armed = false
          await between()
        }
        return (found as (...given: unknown[]) => unknown).apply(target, args)
      }
    },
  }) as Store
  return { clock, store, arm: () => void (state.armed = true) }
}

test('an administrator who has read an older version removes nothing', async () => {
  const { arm, ...rest } = interrupted('replace', 'client:app', (): Promise<unknown> =>
    Client.update(op.context, 'app', (client) => ({ ...client, client_name: 'Changed meanwhile' })),
  )
  const op = await provider(rest)
  await operatorClient(op, { client_id: 'app' })
  const token = await serviceToken(op, await serviceClient(op))
  const { headers } = await admin(op, token, 'GET', '/clients/app')
  arm()
  const answer = await admin(op, token, 'DELETE', '/clients/app', {
    headers: { 'if-match': headers.get('etag')! },
  })
  expect(answer.status).toBe(412)
  expect(await Client.find(op.context, 'app')).toMatchObject({
    client_name: 'Changed meanwhile',
    disabled: false,
  })
})

test('a client that becomes one that the caller may not remove stays', async () => {
  const { arm, ...rest } = interrupted('replace', 'client:app', (): Promise<unknown> =>
    Client.update(op.context, 'app', (client) => ({ ...client, first_party: true })),
  )
  const op = await provider(rest)
  await operatorClient(op, { client_id: 'app' })
  arm()
  const removal = removeClient(op.context, 'operator', 'app', ({ first_party: isOurs }) => {
    if (isOurs) throw new Error('not this one')
  })
  await expect(removal).rejects.toThrow('not this one')
  expect(await Client.find(op.context, 'app')).toMatchObject({ first_party: true, disabled: false })
})

test('a client that a file takes over while it is removed stays, and is found', async () => {
  const managed_by = { file: 'latchkey.yaml', version: 1 }
  const { arm, ...rest } = interrupted('take', 'client:app', (): Promise<unknown> =>
    Client.updateManaged(op.context, 'app', (client) => ({ ...client, managed_by })),
  )
  const op = await provider(rest)
  await operatorClient(op, { client_id: 'app' })
  arm()
  await expect(Client.remove(op.context, 'app')).rejects.toBeInstanceOf(ManagedByFile)
  expect(await Client.find(op.context, 'app')).toMatchObject({ managed_by })
  expect((await Client.list(op.context)).map(({ client_id }) => client_id)).toContain('app')
})
