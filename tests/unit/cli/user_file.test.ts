/** CSV of accounts as spreadsheets save it. https://www.rfc-editor.org/rfc/rfc4180 */
import { expect, test } from 'bun:test'
import { readCsv } from '../../../src/cli/user_file.ts'

const gina = { username: 'gina', roles: ['editor', 'admin'], claims: { name: 'Green, Gina' } }

test.each([
  ['commas', 'username,name,roles\ngina,"Green, Gina",editor;admin\n'],
  [
    'semicolons, with the mark and the line ends of Excel',
    '\ufeffusername;name;roles\r\ngina;Green, Gina;"editor;admin"\r\n',
  ],
  ['one column in semicolons after it', 'username;roles;name\ngina;editor admin;Green, Gina'],
])('%s', async (_what, text) => {
  expect(await readCsv(text)).toEqual([{ at: 'line 2', record: gina }])
})

test('one column alone', async () => {
  expect(await readCsv('username\ngina')).toEqual([{ at: 'line 2', record: { username: 'gina' } }])
})
