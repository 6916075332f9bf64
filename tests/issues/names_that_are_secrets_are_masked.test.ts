/** A secret that was typed where a name belongs stood in the recorded flow: a password as the username, a secret as the client_id. */
import { expect, test } from 'bun:test'
import { authorizationUrl, basic, demo } from '../support/client.ts'
import { alice, authorize, browser } from '../support/flow.ts'
import { provider } from '../support/provider.ts'

const lab = () => provider({ env: { LAB: 'true' } })
type Op = Awaited<ReturnType<typeof lab>>
const recorded = (op: Op) => JSON.stringify(op.context.recorder!.flows.list())

async function signInAs(op: Op, username: string, password: string) {
  const who = browser(op)
  const { page } = await who.open(authorizationUrl(op.issuer, demo).url)
  return who.press(page!, 'login', { username, password })
}

test('a password that was typed as the username', async () => {
  const op = await lab()
  await signInAs(op, 'correct horse battery', 'alice')
  expect(recorded(op)).not.toContain('correct horse')
  expect(recorded(op)).not.toContain('correct+horse')
  expect(recorded(op)).toContain('username=[masked')
})

test('a short one, too', async () => {
  const op = await lab()
  await signInAs(op, 'x7Qz', 'alice')
  expect(recorded(op)).not.toContain('x7Qz')
})

test('the username of an account is shown, whatever the password is', async () => {
  const op = await lab()
  await signInAs(op, alice.username, 'wrong')
  expect(recorded(op)).toContain('username=alice')
  await authorize(op, browser(op))
  expect(recorded(op)).toContain('"person":"alice"')
})

test.each([
  ['in the body', (id: string, secret: string) => ({ body: { client_id: id, client_secret: secret } })],
  [
    'by Basic',
    (id: string, secret: string) => ({ headers: basic({ ...demo, client_id: id, client_secret: secret }) }),
  ],
])('client_id and secret swapped, %s', async (_, send) => {
  const op = await lab()
  const secret = 'a-secret-of-that-client'
  const { body, headers }: { body?: object; headers?: Record<string, string> } = send(secret, demo.client_id)
  await op.fetch('/token', {
    method: 'POST',
    ...(headers && { headers }),
    body: new URLSearchParams({ grant_type: 'client_credentials', ...body }),
  })
  expect(recorded(op)).not.toContain(secret)
})

test('a client_id that is misspelled is shown, so that its flow says so', async () => {
  const op = await lab()
  await op.fetch(authorizationUrl(op.issuer, { ...demo, client_id: 'clinet123' }).url)
  expect(recorded(op)).toContain('clinet123')
})
