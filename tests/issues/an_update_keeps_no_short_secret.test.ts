/** A client that turned to client_secret_jwt by an update (RFC 7592) kept a secret that others could find from one assertion. RFC 7518 §3.2 */
import { expect, test } from 'bun:test'
import { secretsOf, withNewSecret } from '../../src/clients/client_secret.ts'
import { Client } from '../../src/models/client.ts'
import { provider } from '../support/provider.ts'
import { manage, registered } from '../support/registration.ts'

const app = { redirect_uris: ['https://app.example/cb'], token_endpoint_auth_method: 'client_secret_basic' }
const short = 'correct-horse'
const fits = 'a-secret-of-an-operator-with-exactly-48-letters.'

/** A client whose secrets an operator chose, the newest last. */
async function withSecrets(secrets: string[], members = {}) {
  const op = await provider()
  const made = await registered(op, { ...app, ...members })
  const id = String(made.client_id)
  for (const secret of secrets)
    await Client.update(op.context, id, (client) => withNewSecret(client, secret, 3600, op.context))
  op.context.clients.forget(id)
  const update = (changed: object) =>
    manage(op, 'PUT', made, made.registration_access_token, { ...app, ...members, ...changed, client_id: id })
  const held = async () => secretsOf((await Client.find(op.context, id))!, op.context)
  return { update, held }
}

const jwt = (alg: string) => ({
  token_endpoint_auth_method: 'client_secret_jwt',
  token_endpoint_auth_signing_alg: alg,
})

test.each([
  ['HS256', [short], false],
  ['HS512', [fits], false],
  ['HS384', [fits], true],
  ['HS256', [short, fits], false],
])('%s with secrets %p: is it kept? %p', async (alg, secrets, isKept) => {
  const { update, held } = await withSecrets(secrets)
  const { status, body } = await update(jwt(alg))
  const newest = String(body.client_secret)
  expect(status).toBe(200)
  expect(newest === secrets.at(-1)).toBe(isKept)
  const now = await held()
  expect(now[0]).toBe(newest)
  if (!isKept) expect([now.length, newest.length]).toEqual([1, 64])
})

test('an update that changes nothing of it keeps the secret', async () => {
  for (const members of [{}, jwt('HS256')]) {
    const { update } = await withSecrets([short], members)
    expect((await update({ client_name: 'Another name' })).body.client_secret).toBe(short)
  }
})
