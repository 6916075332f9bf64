/** Bytes, hashes, comparison and log lines. */
import { describe, expect, test } from 'bun:test'
import { createHash, createHmac, hkdfSync } from 'node:crypto'
import { base64url, fromBase64url, fromUtf8, utf8 } from '../../../src/lib/bytes.ts'
import { equalInConstantTime } from '../../../src/lib/equal.ts'
import { deriveKey, hmac, sha256 } from '../../../src/lib/hash.ts'
import { createLog } from '../../../src/lib/log.ts'
import { systemRandom } from '../../../src/lib/random.ts'

describe('bytes', () => {
  test('encoding and decoding', () => {
    expect(fromUtf8(utf8('grün 😀'))).toBe('grün 😀')
    expect(base64url(new Uint8Array([251, 255]))).toBe('-_8')
    expect(base64url('ab')).toBe('YWI')
    expect(fromBase64url('-_8')).toEqual(new Uint8Array([251, 255]))
    expect(fromBase64url('')).toEqual(new Uint8Array())
  })

  test('one spelling each: padding, the other alphabet, blanks and surplus bits are refused', () => {
    for (const text of ['-_8=', '+/8', '-_ 8', '-_9', 'a', 'ä', '-_8\n'])
      expect(fromBase64url(text)).toBeUndefined()
  })

  test('bytes that are not UTF-8 throw', () => {
    expect(() => fromUtf8(new Uint8Array([0xff]))).toThrow(TypeError)
  })
})

describe('hashes', () => {
  test('SHA-256 and HMAC are those of node:crypto', () => {
    expect(sha256('abc')).toBe(createHash('sha256').update('abc').digest('base64url'))
    const key = utf8('key')
    expect(hmac(key, 'abc')).toBe(createHmac('sha256', key).update('abc').digest('base64url'))
    expect(hmac(key, 'abc')).toHaveLength(43)
  })

  test('one secret gives a different key for each purpose', () => {
    const keys = ['csrf', 'refresh', 'store'].map((purpose) => deriveKey('secret', purpose))
    expect(new Set(keys.map(base64url)).size).toBe(3)
    expect(keys[0]).toEqual(new Uint8Array(hkdfSync('sha256', 'secret', '', 'latchkey csrf', 32)))
    expect(deriveKey('other', 'csrf')).not.toEqual(keys[0]!)
  })
})

test('equality, and length in bytes', () => {
  expect(equalInConstantTime('abc', 'abc')).toBe(true)
  expect(equalInConstantTime('abc', 'abd')).toBe(false)
  expect(equalInConstantTime('abc', 'abcd')).toBe(false)
  expect(equalInConstantTime('', '')).toBe(true)
  expect(equalInConstantTime('é', 'ab')).toBe(false)
})

test('random: whole characters, never the same', () => {
  const made = Array.from({ length: 200 }, () => systemRandom(15))
  expect(new Set(made).size).toBe(200)
  for (const one of made) expect(one).toMatch(/^[A-Za-z0-9_-]{20}$/)
})

describe('log', () => {
  const log = (level: 'debug' | 'warn' | 'silent', format: 'json' | 'text') => {
    const lines: string[] = []
    return { lines, log: createLog(level, format, (line) => lines.push(line)) }
  }

  test('JSON: one object a line', () => {
    const { lines, log: json } = log('debug', 'json')
    json.info('signed_in', { sub: 'a', text: 'two\nlines' })
    expect(lines).toHaveLength(1)
    expect(lines[0]).not.toContain('\n')
    expect(JSON.parse(lines[0]!)).toMatchObject({
      level: 'info',
      event: 'signed_in',
      sub: 'a',
      text: 'two\nlines',
    })
  })

  test('text: an event is one line, whatever its values are', () => {
    const { lines, log: text } = log('debug', 'text')
    text.warn('refused', { problem: 'a\r\ninfo signed_in sub=admin\u001b[2J', n: 1 })
    expect(lines).toHaveLength(1)
    expect(lines[0]).toMatch(/^\S+Z warn refused problem="/)
    expect(lines[0]).toContain('a\\r\\ninfo signed_in sub=admin\\u001b[2J')
    expect(lines[0]).not.toMatch(/[\x00-\x1f\x7f]/)
  })

  test('only events of the level or above', () => {
    const { lines, log: quiet } = log('warn', 'text')
    quiet.debug('a')
    quiet.info('b')
    quiet.warn('c')
    quiet.error('d')
    expect(lines.map((line) => line.replace(/^\S+Z /, ''))).toEqual(['warn c', 'error d'])
    const { lines: none, log: silent } = log('silent', 'json')
    silent.error('e')
    expect(none).toEqual([])
  })
})

test('a random value is never read as an option of a command', () => {
  for (let i = 0; i < 2_000; i++) expect(systemRandom(3)).toMatch(/^[A-Za-z0-9_][A-Za-z0-9_-]{3}$/)
})
