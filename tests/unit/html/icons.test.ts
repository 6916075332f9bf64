/** Icons: the generated file is that of the packages, and holds those alone that a page shows. */
import { expect, test } from 'bun:test'
import { Glob } from 'bun'
import { iconMarkup } from '../../../src/html/icon.ts'
import iconShapes from '../../../views/icons.json'
import { compileTemplate } from '../../../src/html/template.ts'
import { defineView } from '../../../src/html/view.ts'
import { icon } from '../../../src/html/page_parts.ts'

const root = new URL('../../../', import.meta.url).pathname

test('views/icons.json is what the packages have', async () => {
  const check = Bun.spawn(['bun', 'scripts/generate_icons.ts', '--check'], { cwd: root, stderr: 'pipe' })
  expect(await new Response(check.stderr).text()).toBe('')
  expect(await check.exited).toBe(0)
})

test('every icon is used', async () => {
  const files = [...new Glob('{src,views}/**/*.{ts,html,js}').scanSync(root)]
  const all = (await Promise.all(files.map((file) => Bun.file(root + file).text()))).join('\n')
  const unused = Object.keys(iconShapes).filter(
    (name) => !all.includes(`'${name}'`) && !all.includes(`{{icon ${name}}}`),
  )
  expect(unused).toEqual([])
})

test('an icon is hidden from screen readers and has no style, script or reference', () => {
  for (const name of Object.keys(iconShapes)) {
    const markup = iconMarkup(name) ?? ''
    expect(markup).toContain('aria-hidden="true"')
    expect(markup).not.toMatch(/style=|<script|href|url\(|\bon[a-z]+=|<title/)
    expect(markup.match(/<svg/g)).toHaveLength(1)
  }
  expect(`${icon('mail')}`).toBe(iconMarkup('mail')!)
})

test('a template has an icon by its name, between tags alone', () => {
  expect(`${defineView('icon_in_text', '<p>{{icon mail}} {{text}}</p>', ['text'])({ text: 'x' })}`).toBe(
    `<p>${iconMarkup('mail')} x</p>`,
  )
  const compile = (source: string) =>
    compileTemplate(
      'x',
      source,
      [],
      () => false,
      () => undefined,
    )
  expect(() => compile('<p>{{icon nowhere}}</p>')).toThrow('no such icon')
  expect(() => compile('<p title="{{icon mail}}"></p>')).toThrow('inside a tag')
  expect(iconMarkup('constructor')).toBeUndefined()
})
