/** Issue 9, E.51: eight spaces were a password. https://pages.nist.gov/800-63-4/sp800-63b.html */
import { expect, test } from 'bun:test'
import { newPasswordProblem } from '../../src/people/new_password.ts'
import { say } from '../../src/lib/say.ts'
import { alice, person } from '../support/person.ts'
import { provider } from '../support/provider.ts'
import { withPassword } from '../support/authenticator.ts'

const op = await provider()

const blank = [
  ['spaces', ' '.repeat(8)],
  ['tabs', '\t'.repeat(8)],
  ['no-break spaces', '\u00a0'.repeat(12)],
  ['ideographic spaces', '\u3000'.repeat(8)],
  ['thin and hair spaces', '\u2009\u200a'.repeat(6)],
  ['spaces between joiners', ' \u200d'.repeat(8)],
  ['zero width spaces', '\u200b'.repeat(9)],
  ['fillers of Hangul', '\u3164\uffa0'.repeat(5)],
  ['blank patterns of Braille', '\u2800'.repeat(8)],
  ['a mixture', ' \u00a0\u2003\u200b\ufe0f\u00ad\u2060 '],
] as const

test.each(blank)(
  'a new password of nothing but %s is refused, and the reason is said',
  async (_, password) => {
    expect(await newPasswordProblem(op.context, password, [])).toEqual(say('password.blank'))
  },
)

test.each([
  ['spaces between words', ' correct horse battery staple '],
  ['emoji with joiners', '👩‍👩‍👧‍👦🏳️‍🌈👩🏽‍🚀🧑‍🌾🐈‍⬛🧔‍♀️'],
])('a password with %s is accepted', async (_, password) => {
  expect(await newPasswordProblem(op.context, password, [])).toBeUndefined()
})

test('the page says so beside the field', async () => {
  const who = person(op.issuer, op.fetch)
  await withPassword(who, alice)
  const { page } = await who.open('/account/password')
  const password = ' '.repeat(8)
  const fields = { current_password: alice.password, password, repeat: password }
  const answer = (await who.press(page!, 'change', fields)).page!
  expect(answer.status).toBe(400)
  expect(answer.html).toContain('id="password_problem">A password needs characters that can be seen')
})
