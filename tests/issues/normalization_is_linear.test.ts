/** A user name of 60 kB of combining marks, two kinds in turn, blocked the process for fifteen seconds: normalization sorts marks in quadratic time. https://www.unicode.org/reports/tr15/#Stream_Safe_Text_Format */
import { Glob } from 'bun'
import { expect, test } from 'bun:test'
import { join } from 'node:path'
import { asTyped } from '../../src/auth/password_hash.ts'
import { readMailAddress } from '../../src/lib/mail_address.ts'
import { normalize } from '../../src/lib/normalize.ts'
import { lookOf } from '../../src/lib/spelling.ts'
import { canonicalEmail, canonicalUsername } from '../../src/models/user.ts'
import { expectLinear } from '../support/linear.ts'
import { provider } from '../support/provider.ts'

const marks = (size: number) => `a${'\u0301\u0323'.repeat(size / 2)}`
/** Marks in runs of thirty, apart until the conversion of a domain to ASCII drops what is between them. */
const apart = (size: number) => `a${`${'\u0301\u0323'.repeat(15)}\u{1bca0}\u200b`.repeat(size / 33)}`
/** U+FF9E is a letter, and NFKC makes a mark of it. */
const kanaMarks = (size: number) => `a${'\u0301\uff9e'.repeat(size / 2)}`

const works: [string, (text: string) => unknown][] = [
  ['a user name', canonicalUsername],
  ['the look of a user name', lookOf],
  ['an address', (text) => canonicalEmail(`${text}@${text}`)],
  ['a password', asTyped],
  ['an address for mail', (text) => readMailAddress(`${text}@example.com`)],
]

test.each(works)('%s: time in proportion to the length', (_, work) => expectLinear(marks, work, 500))

test.each(works)('%s with half-width sound marks: time in proportion to the length', (_, work) =>
  expectLinear(kanaMarks, work, 500),
)

test.each(works)('%s with marks that a domain drops between: time in proportion to the length', (_, work) =>
  expectLinear(apart, (text) => work(`${text}@${text}.com`), 2_640),
)

test.each(['client_uri', 'redirect_uris', 'frontchannel_logout_uri', 'client_uri#de'])(
  'the host of %s that a client registers: time in proportion to the length',
  async (name) => {
    const op = await provider({
      env: { REGISTRATION: 'open', RATE_LIMITING_ENABLED: 'false', LOG_LEVEL: 'error' },
    })
    const register = async (text: string) => {
      const uri = `https://${text}.com/`
      const body = JSON.stringify({
        redirect_uris: ['https://rp.example/cb'],
        [name]: name === 'redirect_uris' ? [uri] : uri,
      })
      const headers = { 'content-type': 'application/json' }
      expect((await op.fetch('/register', { method: 'POST', body, headers })).status).toBe(400)
    }
    await expectLinear(marks, register, 2_400)
  },
)

/** Canonical_Combining_Class is not to be had in a regular expression: a mark that changes places with U+0301 or U+3099 has one. */
const isReordered = (text: string) =>
  ['\u0301', '\u3099'].some((before) => {
    const [first, second] = (before + text).normalize('NFD')
    return first !== before && second === before
  })

test('every character that normalization sorts counts as a mark', () => {
  const uncounted: string[] = []
  for (let point = 0; point <= 0x10ffff; point++) {
    const text = String.fromCodePoint(point)
    if (
      !/^\p{M}/u.test(text.normalize('NFKD')) ||
      normalize(text.repeat(31), 'NFC') === text.repeat(30).normalize('NFC')
    )
      continue
    if (isReordered(text.normalize('NFKD'))) uncounted.push(point.toString(16))
  }
  expect(uncounted).toEqual([])
})

test('what people write is normalized as before', () => {
  for (const text of ['e\u0323\u0301', 'ﬀ', 'ａ', 'เก้าอี้', 'Z\u0351\u036b\u0343\u0329'])
    for (const form of ['NFC', 'NFKC', 'NFKD'] as const)
      expect(normalize(text, form)).toBe(text.normalize(form))
})

test('no file of src normalizes in another way', async () => {
  const src = join(import.meta.dir, '../../src')
  for await (const file of new Glob('**/*.ts').scan(src))
    if (file !== 'lib/normalize.ts')
      expect([file, (await Bun.file(join(src, file)).text()).includes('.normalize(')]).toEqual([file, false])
})
