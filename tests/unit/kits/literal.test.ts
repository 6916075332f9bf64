/** A value in a literal of a language comes out of the literal as it went in, and is never code. */
import { describe, expect, test } from 'bun:test'
import { type Language, literals, Unwritable } from '../../../src/kits/literal.ts'
import { parse } from 'yaml'

const values = [
  'plain',
  '',
  `it's "quoted" \`id\` $(touch pwned) \${IFS} #{1+1} %{x} {{7*7}} <%= 1 %>`,
  '</script><script>alert(1)</script>',
  'a\\',
  'a\\"; b',
  "a'; b; '",
  'line\nbreak\r\ttab\u0000nul\u2028separator',
  '\u202etxt.exe',
  '\u2018; calc \u2019 \u201bx',
  'ü 漢 😀 \u{e0041}',
  '-x --y',
]

const byNumber = (text: string) =>
  text.replace(/\\u\{([\da-f]+)\}|\\U([\da-f]{8})|\\u([\da-f]{4})|\\(.)/g, (_, a, b, c, d: string) =>
    d === undefined ? String.fromCodePoint(parseInt((a ?? b ?? c) as string, 16)) : d,
  )
/** A literal in double quotes that ends where it ends. */
const quoted = (text: string): string => {
  expect(text).toMatch(/^"(?:[^"\\\n\r]|\\.)*"$/u)
  return byNumber(text.slice(1, -1))
}
const without = (pattern: RegExp) => (text: string) => {
  expect(text.replaceAll(/\\./g, '')).not.toMatch(pattern)
  return quoted(text)
}
const run = (...command: string[]): string => Bun.spawnSync(command).stdout.toString()

const readers: Readonly<Record<Language, (text: string) => string>> = {
  json: (text) => JSON.parse(text) as string,
  js: (text) => run(process.execPath, '-e', `process.stdout.write(${text})`),
  yaml: (text) => parse(text) as string,
  spring: (text) => parse(text) as string,
  toml: (text) => (Bun.TOML.parse(`x = ${text}`) as { x: string }).x,
  python: quoted,
  go: quoted,
  rust: quoted,
  php: without(/\$/),
  ruby: without(/#/),
  dart: without(/\$/),
  shell: (text) => run('bash', '-c', `printf %s ${text}`),
  env: (text) => run('sh', '-c', `set -a; X=${text}; printf %s "$X"`),
  powershell: (text) => {
    expect(text).toMatch(/^'(?:[^'\u2018-\u201b]|(['\u2018-\u201b])\1)*'$/)
    return text.slice(1, -1).replaceAll(/(['\u2018-\u201b])\1/g, '$1')
  },
  xml: (text) => {
    expect(text).not.toMatch(/[<>"']/)
    return text.replaceAll(/&(amp|lt|gt|quot|apos);/g, (each) => entities[each]!)
  },
  markdown: (text) => text.replaceAll(/\\(.)/g, '$1'),
  apache: quoted,
  plain: (text) => {
    expect(text).toMatch(/^[\w.~:/-]*$/)
    return text
  },
}
const entities: Record<string, string> = {
  '&amp;': '&',
  '&lt;': '<',
  '&gt;': '>',
  '&quot;': '"',
  '&apos;': "'",
}

/** How many of the values the language has no literal for. */
const refused: Partial<Record<Language, number>> = {
  shell: 3,
  powershell: 3,
  env: 5,
  xml: 3,
  markdown: 3,
  apache: 6,
  plain: 10,
  spring: 4,
}

describe.each(Object.keys(readers) as Language[])('%s', (language) => {
  const { text, list } = literals[language]

  test('a value comes out as it went in, or is refused', () => {
    let count = 0
    for (const value of values) {
      let literal: string
      try {
        literal = text(value)
      } catch (error) {
        expect(error).toBeInstanceOf(Unwritable)
        count += 1
        continue
      }
      expect(readers[language](literal)).toBe(value)
      expect(literal).not.toMatch(/[\u202e\u2028]/)
    }
    expect([language, count]).toEqual([language, refused[language] ?? 0])
  })

  test('a list has each of its values', () => {
    const three = list(['a', 'b', 'c'])
    for (const each of ['a', 'b', 'c']) expect(three).toContain(text(each))
  })
})

test('no text ends a script element', () => {
  for (const language of ['json', 'js', 'yaml'] as const)
    expect(literals[language].text('</script>')).not.toContain('<')
})
