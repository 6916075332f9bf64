/** Issue 10, section 5: what a file manages changes by the file alone, wherever the change comes from. RFC 7592 §2.2 */
import { expect, test } from 'bun:test'
import { withNewSecret } from '../../src/clients/client_secret.ts'
import { carryOut } from '../../src/cli/plan/carry_out.ts'
import { Client } from '../../src/models/client.ts'
import { ManagedByFile } from '../../src/models/managed_by.ts'
import { applyFile, fileOf, planOf } from '../support/configuration.ts'
import { operatorClient } from '../support/flow.ts'
import { provider } from '../support/provider.ts'
import { manage, registered } from '../support/registration.ts'

const web = { client_id: 'web', redirect_uris: ['https://web.example/cb'] }

test('no other code changes or removes the client', async () => {
  const { context } = await provider()
  await applyFile(context, fileOf(web))
  const changes: ((client: Client) => Client)[] = [
    (client) => ({ ...client, client_name: 'Other' }),
    (client) => ({ ...client, redirect_uris: [...client.redirect_uris, 'https://evil.example/cb'] }),
    (client) => ({ ...client, disabled: true }),
    (client) => ({ ...client, first_party: true }),
    ({ managed_by: _, ...client }) => client,
  ]
  for (const change of changes)
    await expect(Client.update(context, 'web', change)).rejects.toBeInstanceOf(ManagedByFile)
  await expect(Client.remove(context, 'web')).rejects.toBeInstanceOf(ManagedByFile)
  expect((await planOf(context, fileOf(web))).changes).toEqual([])
})

test('the refusal names the file, the command and the way out', async () => {
  const { context } = await provider()
  await applyFile(context, fileOf(web))
  const refusal = await Client.remove(context, 'web').catch((error: unknown) => error)
  const { told } = refusal as ManagedByFile
  for (const part of ['latchkey.yaml', 'latchkey apply -f latchkey.yaml', 'latchkey apply --release web'])
    expect(told).toContain(part)
})

test('a random secret rotates by command; one that the file places does not', async () => {
  const { context } = await provider()
  process.env.WEB_TEST_SECRET = 'MzJieXRlcy1vZi1hLWdvb2Qtc2VjcmV0LWZvci10ZXN0cw'
  await applyFile(context, fileOf(web, { ...web, client_id: 'placed', client_secret: 'env:WEB_TEST_SECRET' }))
  const rotated = await Client.update(context, 'web', (client) => withNewSecret(client, 'next', 0, context))
  expect(rotated?.secret_mac).toBeDefined()
  await expect(
    Client.update(context, 'placed', (client) => withNewSecret(client, 'next', 0, context)),
  ).rejects.toBeInstanceOf(ManagedByFile)
  // A change of SECRET_KEY seals it anew, which is no other secret.
  expect(
    await Client.update(context, 'placed', (client) => ({ ...client, sealed_secret: 's1.again' })),
  ).toBeDefined()
})

test('a client that registered itself stays untouched until a file names it, and then its token changes nothing', async () => {
  const op = await provider({ env: { REGISTRATION: 'open' } })
  const own = await registered(op, { redirect_uris: ['https://self.example/cb'], client_name: 'Self' })
  const id = String(own.client_id)
  await applyFile(op.context, fileOf(web))
  const renamed = await manage(op, 'PUT', own, own.registration_access_token, {
    client_id: id,
    redirect_uris: ['https://self.example/cb'],
    client_name: 'Mine',
  })
  expect(renamed.status).toBe(200)
  await applyFile(
    op.context,
    fileOf(web, { client_id: id, client_name: 'Mine', redirect_uris: ['https://self.example/cb'] }),
  )
  op.clock.advance(2_000)
  for (const [method, body] of [
    ['PUT', { client_id: id, redirect_uris: ['https://evil.example/cb'] }],
    ['DELETE', undefined],
  ] as const) {
    const answer = await manage(op, method, own, renamed.body.registration_access_token, body)
    expect([method, answer.status, answer.body.error]).toEqual([method, 403, 'access_denied'])
    expect(answer.text).not.toContain('latchkey.yaml')
  }
  expect((await Client.find(op.context, id))?.redirect_uris).toEqual(['https://self.example/cb'])
})

test('a client that is taken out of the file management may be changed again', async () => {
  const { context } = await provider()
  await operatorClient(await provider({ store: context.store }), { client_id: 'other' })
  await applyFile(context, fileOf(web))
  const plan = await planOf(context, fileOf(web))
  await carryOut(
    {
      ...plan,
      document: { ...plan.document, clients: {} },
      steps: [{ do: 'release', client_id: 'web', changed: [], before: [], after: [] }],
    },
    { what: 'release' },
    undefined,
    context,
  )
  expect(await Client.update(context, 'web', (client) => ({ ...client, client_name: 'Free' }))).toBeDefined()
  // Another file removes only what a file manages.
  const { changes } = await planOf(context, fileOf())
  expect(changes).toEqual([])
  expect(await Client.remove(context, 'web')).toBe(true)
})
