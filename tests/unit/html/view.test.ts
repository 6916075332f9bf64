import { afterEach, describe, expect, test } from 'bun:test'
import { compileViews, defineView, type Html, isHtml } from '../../../src/html/view.ts'

afterEach(() => {
  for (const name of ['bad', 'faulty']) defineView(name, '', [])
})

const bold = defineView('bold', '<b>{{text}}</b>', ['text'])
const paragraph = defineView('paragraph', '<p>{{body}}</p>', ['body'])

describe('escaping', () => {
  test('text is escaped between tags and in attributes', () => {
    const view = defineView('both', '<p title="{{tip}}">{{tip}}</p>', ['tip'])
    const escaped = '&quot;&gt;&lt;script&gt;&#x27;&amp;'
    expect(view({ tip: `"><script>'&` }).toString()).toBe(`<p title="${escaped}">${escaped}</p>`)
  })

  test('Html of another view passes untouched, arrays of it are joined, text that looks like it is escaped', () => {
    const inner = bold({ text: '<' })
    expect(paragraph({ body: inner }).toString()).toBe('<p><b>&lt;</b></p>')
    expect(paragraph({ body: [inner, inner] }).toString()).toBe('<p><b>&lt;</b><b>&lt;</b></p>')
    expect(paragraph({ body: [] }).toString()).toBe('<p></p>')
    expect(paragraph({ body: `${inner}` }).toString()).toBe('<p>&lt;b&gt;&amp;lt;&lt;/b&gt;</p>')
  })

  test('a value that looks like a placeholder stays text', () => {
    const view = defineView('two', '{{a}}{{b}}', ['a', 'b'])
    expect(view({ a: '{{b}}', b: '$&<' }).toString()).toBe('{{b}}$&amp;&lt;')
  })
})

describe('Html cannot be forged', () => {
  const real = bold({ text: 'real' })
  const evil = '<script>alert(1)</script>'
  const Maker = real.constructor as new (key: unknown, text: string) => Html
  const forgeries: [string, () => unknown][] = [
    ['an object with toString', () => ({ toString: () => evil })],
    ['the prototype of real Html', () => Object.create(Object.getPrototypeOf(real), {})],
    ['a real one behind a proxy', () => new Proxy(real, { get: () => () => evil })],
    ['an object made by JSON', () => JSON.parse(JSON.stringify({ ...real, text: evil }))],
    ['a structured clone', () => structuredClone(real)],
    ['a String object', () => Object(evil)],
    ['an array of text', () => [evil]],
    ['an array of arrays', () => [[real]]],
    ['a function', () => () => evil],
  ]
  test.each(forgeries)('%s is refused', (_, forge) => {
    const value = forge() as Html
    expect(isHtml(value)).toBe(false)
    expect(() => paragraph({ body: value })).toThrow(TypeError)
  })

  test('its constructor makes none', () => {
    expect(() => new Maker(Symbol('view'), evil)).toThrow('only a view makes Html')
    expect(() => new Maker(undefined, evil)).toThrow(TypeError)
    expect(() => Reflect.construct(Object, [], Maker) && new (class extends Maker {})(0, evil)).toThrow(
      TypeError,
    )
  })

  test('a toString put over a real one changes nothing in a page', () => {
    const changed = Object.assign(bold({ text: 'real' }), { toString: () => evil })
    expect(paragraph({ body: changed }).toString()).toBe('<p><b>real</b></p>')
  })
})

test.each([[undefined], [null], [1], [true], [{}], [Symbol('s')]])(
  '%p is a type error that names the view',
  (value) => {
    expect(() => bold({ text: value as unknown as string })).toThrow(/view bold, \{\{text\}\}/)
  },
)

test('a name that objects inherit is not found on the values', () => {
  const view = defineView('inherited', '{{constructor}}', ['constructor'])
  expect(() => view({} as { constructor: string })).toThrow(TypeError)
})

describe('a template that does not fit fails where all are compiled', () => {
  test.each([
    ['a placeholder that is not declared', '<p>{{a}}{{b}}</p>', ['a']],
    ['a declared one that is missing', '<p>{{a}}</p>', ['a', 'b']],
    ['a misspelt one', '<p>{{ a }}</p>', ['a']],
    ['braces left open', '<p>{{a</p>', []],
    ['an unquoted attribute', '<p title={{a}}></p>', ['a']],
    ['a single-quoted attribute', "<p title='{{a}}'></p>", ['a']],
    ['a tag name', '<{{a}}>', ['a']],
    ['an event handler', '<p onclick="{{a}}"></p>', ['a']],
    ['a style attribute', '<p style="{{a}}"></p>', ['a']],
    ['behind javascript:', '<a href="javascript:{{a}}">x</a>', ['a']],
    ['the host of a URL', '<a href="https://{{a}}">x</a>', ['a']],
    ['what makes a path a host', '<form action="/{{a}}"></form>', ['a']],
    ['srcdoc', '<iframe srcdoc="{{a}}"></iframe>', ['a']],
    ['inside a script', '<script>{{a}}</script>', ['a']],
    ['inside a style', '<style>p { color: {{a}} }</style>', ['a']],
  ])('%s', (_, source, names) => {
    expect(() => {
      defineView('bad', source, names)
      compileViews()
    }).toThrow(/^view bad: /)
  })
})

describe('where a placeholder stands decides what it takes', () => {
  test('an attribute takes no Html', () => {
    const view = defineView('attribute', '<p title="{{a}}"></p>', ['a'])
    expect(() => view({ a: bold({ text: '' }) })).toThrow(TypeError)
    expect(() => view({ a: [] })).toThrow(TypeError)
  })

  const link = defineView('link', '<a href="{{url}}">x</a>', ['url'])
  test.each([
    'javascript:alert(1)',
    ' javascript:alert(1)',
    'JaVaScRiPt:alert(1)',
    'java\nscript:alert(1)',
    'data:text/html,x',
    'vbscript:x',
    '//evil.example',
    '/\\evil.example',
    '/\t/evil.example',
    'https://a.example/\njavascript:',
    'evil.example',
    '',
  ])('a link never becomes %j', (url) => {
    expect(() => link({ url })).toThrow(TypeError)
  })
  test.each(['https://a.example/?a=1&b=2', 'http://localhost:8080/callback', '/login', '/'])(
    'a link may be %s',
    (url) => {
      expect(link({ url }).toString()).toBe(`<a href="${Bun.escapeHTML(url)}">x</a>`)
    },
  )

  test('bare in a tag: a boolean attribute or nothing', () => {
    const view = defineView('flag', '<input name="a" {{flag}} />', ['flag'])
    expect(view({ flag: 'autofocus' }).toString()).toBe('<input name="a" autofocus />')
    expect(view({ flag: '' }).toString()).toBe('<input name="a"  />')
    for (const flag of ['onfocus=alert(1)', 'a b', '><script>', 'A'])
      expect(() => view({ flag })).toThrow(TypeError)
  })
})

test('a view with a fault is found by compiling all, and until then does nothing', () => {
  const view = defineView('faulty', '<p>{{a}}</p>', ['a', 'b'])
  expect(compileViews).toThrow('view faulty: {{b}} is declared and not in the source')
  expect(() => view({ a: '', b: '' })).toThrow('view faulty')
})
