/** Characters that must not be shown or stored: the classes of each use, and that no other file has its own list. */
import { describe, expect, test } from 'bun:test'
import { Glob } from 'bun'
import { join } from 'node:path'
import { createLog } from '../../../src/lib/log.ts'
import { escapeCharacter, hasUnsafe, replaceUnsafe, type UnsafeUse } from '../../../src/lib/unsafe_text.ts'

/** Code points of each class, ends of ranges first. */
const characters = {
  control: [0x00, 0x09, 0x0a, 0x0d, 0x1b, 0x1f, 0x7f, 0x80, 0x9b, 0x9f],
  surrogate: [0xd800, 0xdfff],
  lineSeparator: [0x2028, 0x2029],
  bidi: [0x061c, 0x200e, 0x200f, 0x202a, 0x202e, 0x2066, 0x2069],
  invisible: [
    0x00ad, 0x034f, 0x115f, 0x17b4, 0x180e, 0x200b, 0x2060, 0x206f, 0x3164, 0xfeff, 0xffa0, 0xe0041,
  ],
  joiner: [0x200c, 0x200d],
  variation: [0x180b, 0x180f, 0xfe00, 0xfe0f],
  format: [0x0600, 0x1d173],
  private: [0xe000, 0xf8ff, 0x100000],
  unassigned: [0x0378, 0xffff],
}
type Class = keyof typeof characters

const misleading: Class[] = ['control', 'surrogate', 'lineSeparator', 'bidi', 'invisible']
const refused: Record<UnsafeUse, Class[]> = {
  line: misleading,
  shown: misleading,
  name: [...misleading, 'joiner', 'variation', 'format', 'private'],
  compared: ['bidi', 'invisible', 'joiner', 'variation'],
  address: [...misleading, 'joiner', 'variation', 'format', 'private', 'unassigned'],
  password: ['control', 'surrogate'],
}

describe.each(Object.entries(refused) as [UnsafeUse, Class[]][])('%s', (use, classes) => {
  test.each(Object.entries(characters) as [Class, number[]][])('%s', (each, codes) => {
    for (const code of codes) {
      const text = `a${String.fromCodePoint(code)}b`
      expect([code.toString(16), hasUnsafe(text, use)]).toEqual([code.toString(16), classes.includes(each)])
      expect(replaceUnsafe(text, use)).toBe(classes.includes(each) ? 'ab' : text)
    }
  })

  test('ordinary text is unchanged', () => {
    for (const text of [
      'Zoë Müller-Łukasz',
      'عائشة',
      'אבגד',
      '山田 太郎',
      'Дарья',
      'O’Brien',
      'naïve 👍',
      'नमस्ते',
    ])
      expect([hasUnsafe(text, use), replaceUnsafe(text, use)]).toEqual([false, text])
  })
})

test('Persian words and emoji of several parts are shown as they are spelled', () => {
  for (const text of ['می\u200cخواهم', '👩\u200d💻', '❤\ufe0f'])
    expect(replaceUnsafe(text, 'shown')).toBe(text)
})

test('an escape can be read back, beyond the first plane too', () => {
  for (const character of ['\u202e', '\u{e0041}'])
    expect(JSON.parse(`"${escapeCharacter(character)}"`)).toBe(character)
})

test('the replacement is taken literally', () => expect(replaceUnsafe('a\u0000b', 'line', '$&')).toBe('a$&b'))

test.each(['json', 'text'] as const)('a line of the log (%s) is shown as it is', (format) => {
  const lines: string[] = []
  const name = 'a\u202eb\u200bc\u2028d\u009be'
  createLog('info', format, (line) => lines.push(line)).info('event', { name })
  expect(hasUnsafe(lines.join(), 'line')).toBe(false)
  if (format === 'json') expect(JSON.parse(lines[0]!)).toMatchObject({ name })
})

test('no other file of src has a list of such characters', async () => {
  const src = join(import.meta.dir, '../../../src')
  const list = /\\p\{C[cfos]?\}|\\u(?:200[bef]|202[0-9a-e]|206\w|061c|feff)|\\x00-\\x1f/i
  const found: string[] = []
  for await (const file of new Glob('**/*.ts').scan(src))
    for (const line of (await Bun.file(join(src, file)).text()).split('\n'))
      if (list.test(line) && file !== 'lib/unsafe_text.ts') found.push(`${file}: ${line.trim()}`)
  expect(found.toSorted()).toEqual([
    // A URI of a key has no control characters.
    expect.stringContaining('config/pkcs11_uri.ts: return'),
    // The syntax of URLs excludes white space and control characters.
    expect.stringContaining('html/template.ts: if (typeof value'),
    // Words of an index are compared and never shown.
    expect.stringContaining('lib/search_words.ts: .replaceAll'),
  ])
})
