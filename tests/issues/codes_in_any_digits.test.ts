/** A code is the same code in digits of any script and width, and with any separators, at every field for codes. Issue 9, 49 */
import { describe, expect, test } from 'bun:test'
import { readPhone } from '../../src/auth/person_claims.ts'
import { readUserCode } from '../../src/features/device_authorization/records.ts'
import { PasskeyLoss } from '../../src/features/passkeys/loss.ts'
import { codeLifetimeSeconds } from '../../src/features/second_factor/codes.ts'
import { RecoveryCodes } from '../../src/features/second_factor/recovery.ts'
import { stepOf } from '../../src/features/second_factor/totp.ts'
import { typedCode } from '../../src/lib/typed_code.ts'
import {
  codeOf,
  freshCode,
  home,
  pageOf,
  pathOf,
  stageWithApp,
  withPassword,
} from '../support/authenticator.ts'
import { browser } from '../support/flow.ts'
import { expectLinear } from '../support/linear.ts'
import { mailsOf } from '../support/mailbox.ts'
import { provider } from '../support/provider.ts'

const inDigits = (zero: number) => (text: string) =>
  text.replace(/\d/g, (digit) => String.fromCodePoint(zero + Number(digit)))
const wide = (text: string) =>
  text.replace(/[!-~]/g, (character) => String.fromCodePoint(character.charCodeAt(0) + 0xfee0))
const between = (mark: string) => (text: string) => [...text].join(mark)

/** How the same code may be typed or pasted. */
const spellings: Record<string, (text: string) => string> = {
  'full width': wide,
  Arabic: inDigits(0x0660),
  Persian: inDigits(0x06f0),
  Devanagari: inDigits(0x0966),
  Bengali: inDigits(0x09e6),
  Thai: inDigits(0x0e50),
  'mathematical bold': inDigits(0x1d7ce),
  Adlam: inDigits(0x1e950),
  'Arabic with its direction': (text) => `\u200f\u2067${inDigits(0x0660)(text)}\u2069`,
  'no-break spaces': between('\u00a0'),
  'thin and ideographic spaces': between('\u2009\u3000'),
  dashes: between('\u2011'),
  'dots and commas': (text) => `${between('.')(text)},`,
  'zero width': between('\u200b\u2060'),
  'a tab and a line end': (text) => `\t${text}\r\n`,
}

describe('every decimal digit of Unicode', () => {
  test('is the digit that it is', () => {
    let seen = ''
    for (let point = 0; point < 0x110000; point++) {
      if (point >= 0xd800 && point <= 0xdfff) continue
      const character = String.fromCodePoint(point)
      if (/\p{Nd}/u.test(character)) seen += typedCode(character)
    }
    expect(seen.length).toBeGreaterThan(700)
    expect(seen).toBe('0123456789'.repeat(seen.length / 10))
  })

  test('letters stay, so that a word is no code', () => {
    expect(typedCode('12a 3')).toBe('12a3')
    expect(typedCode('')).toBe('')
  })

  test('long text costs in proportion to its length, and is not read beyond a bound', async () => {
    await expectLinear((size) => '\u0663\u0301\u0323-'.repeat(size), typedCode)
    await expectLinear((size) => '\ufdfa'.repeat(size), typedCode)
    expect(typedCode('1'.repeat(1000)).length).toBeLessThanOrEqual(200)
  })
})

for (const [name, spell] of Object.entries(spellings))
  describe(name, () => {
    test('an authenticator app', async () => {
      const { op, seed } = await stageWithApp()
      expect(await stepOf(seed, spell(codeOf(op, seed)), op.clock.now() / 1000)).toBeNumber()
      const who = browser(op)
      const code = pageOf(await withPassword(who))
      expect(pathOf(await who.press(code, 'verify', { code: spell(freshCode(op, seed)) }))).toBe(home)
    })

    test('a mailed code, at set-up and at sign-in', async () => {
      const op = await provider({ env: { SECOND_FACTORS: 'totp email recovery' } })
      const who = browser(op)
      await withPassword(who)
      const codeOfMail = async () => /^\d{6}$/m.exec((await mailsOf(op)).at(-1)!.text)![0]
      const sent = pageOf(await who.press(pageOf(await who.open('/account/factors/email')), 'send'))
      const added = pageOf(await who.press(sent, 'verify', { code: spell(await codeOfMail()) }))
      expect(added.status).toBe(200)
      op.clock.advance(codeLifetimeSeconds * 1000)
      const later = browser(op)
      const ask = pageOf(await withPassword(later))
      const typed = pageOf(await later.press(ask, 'send'))
      expect(pathOf(await later.press(typed, 'verify', { code: spell(await codeOfMail()) }))).toBe(home)
    })

    test('a recovery code, the code of a device, and a telephone number', async () => {
      const op = await provider()
      const [code = ''] = await RecoveryCodes.make(op.context, 'user-alice')
      expect(await RecoveryCodes.spend(op.context, 'user-alice', spell(code.toUpperCase()))).toBe(9)
      expect(readUserCode(spell('BCDFGHJK'))).toBe('BCDF-GHJK')
      if (!/zero|dots|tab/.test(name)) expect(readPhone(spell('+491701234567'))).toBe('+491701234567')
    })

    test('the code for lost passkeys', async () => {
      const op = await provider()
      const [sub, to] = ['user-alice', 'alice@example.com']
      const code = (await PasskeyLoss.begin(op.context, sub, to))!
      const { due } = (await PasskeyLoss.find(op.context, sub))!
      op.clock.advance(due * 1000 - op.clock.now())
      expect(await PasskeyLoss.use(op.context, sub, to, spell(code))).toBe(true)
    })
  })

test('letters that a keyboard changed: capitals of Turkish, and digits that look like letters', async () => {
  const op = await provider()
  const [code = ''] = await RecoveryCodes.make(op.context, 'user-alice')
  const turkish = code.replaceAll('i', 'İ').replaceAll('o', '0').replaceAll('b', '８')
  expect(await RecoveryCodes.spend(op.context, 'user-alice', turkish)).toBe(9)
})

test.each(['+49 (0)170 1234567', '+49 170/1234567', '0049 (0)170-12 345 67', '＋49（0）170 1234567'])(
  'a telephone number as people write it: %s',
  (text) => expect(readPhone(text)).toBe('+491701234567'),
)
