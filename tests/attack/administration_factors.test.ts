/** A mailbox alone does not lead to the rights of an administrator. docs/administration.md */
import { expect, test } from 'bun:test'
import { Passkey } from '../../src/features/passkeys/records.ts'
import { Administrators } from '../../src/models/administrators.ts'
import { withPassword } from '../support/authenticator.ts'
import { alice, browser } from '../support/flow.ts'
import { mailsOf } from '../support/mailbox.ts'
import { addPasskey, pageOf } from '../support/passkeys.ts'
import { provider } from '../support/provider.ts'

const lost = '/account/passkeys/lost'
const sub = 'user-alice'
const fourDays = 4 * 86_400_000

async function stage() {
  const op = await provider()
  const who = browser(op)
  await withPassword(who)
  await addPasskey(op.issuer, who)
  const attacker = browser(op) // with the password, from a link in the mailbox
  await withPassword(attacker)
  return { op, attacker }
}

test('the passkeys of an administrator are not removed by a mailed code', async () => {
  const { op, attacker } = await stage()
  await Administrators.set(op.context, sub, 'owner')
  const page = pageOf(await attacker.open(lost))
  expect(page.forms.flatMap(({ buttons }) => buttons)).not.toContain('begin')
  expect(pageOf(await attacker.open('/account/passkeys')).html).not.toContain(`href="${lost}"`)
})

test('nor by one that was mailed before the person became one', async () => {
  const { op, attacker } = await stage()
  await attacker.press(pageOf(await attacker.open(lost)), 'begin')
  const texts = (await mailsOf(op)).map(({ text }) => /^(?:[a-z2-7]{4}-){3}[a-z2-7]{4}$/m.exec(text)?.[0])
  const code = texts.findLast((each) => each !== undefined)
  expect(code).toBeString()
  op.clock.advance(fourDays)
  const page = pageOf(await attacker.press(pageOf(await attacker.open(lost)), 'login', alice))
  expect(page.forms.flatMap(({ buttons }) => buttons)).toContain('remove')
  await Administrators.set(op.context, sub, 'support')
  await attacker.press(page, 'remove', { code: code! })
  expect(await Passkey.listOf(op.context, sub)).toHaveLength(1)
})
