/** Tables of records: sorting, filters and pages are links and a form, so that they work without JavaScript. */
import { expect, test } from 'bun:test'
import { dataTable, filters, type Query, withQuery } from '../../../src/html/data_table.ts'
import { plainSetting, render } from '../../../src/html/view.ts'
import { say } from '../../../src/lib/say.ts'

interface Row {
  name: string
  count: string
}

const show = (query: Query, rows: readonly Row[], next?: string) =>
  render(
    dataTable<Row>({
      label: say('account.overview'),
      path: '/admin/people',
      query,
      columns: [
        { title: say('login.username'), sort: 'username', cell: ({ name }) => name },
        { title: say('common.code'), number: true, cell: ({ count }) => count },
      ],
      rows,
      next,
      empty: say('common.or'),
    }),
    plainSetting,
  )

const linksOf = (html: string) =>
  [...html.matchAll(/href="([^"]*)"/g)].map(([, url]) => url!.replaceAll('&amp;', '&'))

test('a title sorts upwards, then downwards, from the first page and with the filters in force', () => {
  const filtered = { q: 'an & co', cursor: 'abc' }
  const rows = [{ name: 'anna', count: '1' }]
  expect(linksOf(show(filtered, rows))[0]).toBe('/admin/people?q=an+%26+co&sort=username')
  const up = show({ ...filtered, sort: 'username' }, rows)
  expect(linksOf(up)[0]).toBe('/admin/people?q=an+%26+co&sort=-username')
  expect(up).toContain('aria-sort="ascending"')
  expect(show({ sort: '-username' }, rows)).toContain('aria-sort="descending"')
  expect(show({}, rows)).toContain('aria-sort="none"')
})

test('the next page has the cursor, and the first page is one link away', () => {
  const rows = [{ name: 'anna', count: '1' }]
  expect(linksOf(show({ q: 'a' }, rows, 'n1')).at(-1)).toBe('/admin/people?q=a&cursor=n1')
  expect(show({}, rows)).not.toContain('pager')
  const later = linksOf(show({ q: 'a', cursor: 'n1' }, rows, 'n2'))
  expect(later.slice(-2)).toEqual(['/admin/people?q=a', '/admin/people?q=a&cursor=n2'])
})

test('an empty list says so, and foreign text stays text', () => {
  expect(show({}, [])).toContain('data_empty')
  const html = show({}, [{ name: '<img src=x onerror=alert(1)>', count: '"' }])
  expect(html).not.toContain('<img')
  expect(html).not.toContain('data_empty')
})

test('a filter keeps what was chosen', () => {
  const html = render(
    filters({
      action: '/admin/people',
      query: { q: '"x"', state: 'disabled' },
      filters: [
        { kind: 'text', name: 'q', label: say('login.username') },
        {
          kind: 'choice',
          name: 'state',
          label: say('common.details'),
          options: [{ value: 'disabled', text: 'Disabled' }],
        },
      ],
    }),
    plainSetting,
  )
  expect(html).toContain('value="&quot;x&quot;"')
  expect(html).toContain('<option value="disabled" selected>')
})

test('an address has the parameters that have a value', () => {
  expect(withQuery('/a', {})).toBe('/a')
  expect(withQuery('/a', { b: '', c: undefined, d: 'ä?' })).toBe('/a?d=%C3%A4%3F')
})
