/** A page of the administration says once that nothing was changed. Issue 10 */
import { afterAll, expect, test } from 'bun:test'
import { formsEnv, callback, ofOwner } from '../support/every_form.ts'
import { pageOf } from '../support/authenticator.ts'
import { listener } from '../support/listener.ts'
import { provider } from '../support/provider.ts'
import { secondLatchkey } from '../support/upstream.ts'

const world = { gateway: listener(), up: await secondLatchkey(callback) }
afterAll(() => {
  world.gateway.stop()
  world.up.stop()
})

test.each([
  ['/admin/invitations', 'invite', { email: 'alice@example.com', mail: 'yes' }],
  ['/admin/people/new', 'add', { username: 'bob', email: 'carol@example.com' }],
])('%s: %s', async (path, button, fields) => {
  const op = await provider({ env: formsEnv(world) })
  const { who, page } = await ofOwner(path, button, fields)(op)
  const after = pageOf(await who.press(page, button, fields))
  expect(after.status).toBeGreaterThanOrEqual(400)
  expect(after.html.match(/nothing was changed/gi)).toHaveLength(1)
})
