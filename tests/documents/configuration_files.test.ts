/** docs/configuration_files.md: each command is run, in order. */
import { afterAll, expect, test } from 'bun:test'
import { settingRows } from '../../src/cli/plan/setting_table.ts'
import { blocksOf, document, isShell, reader, reasonNotToRun } from '../support/document.ts'

const visitor = reader()
afterAll(() => visitor.remove())

test('every block of docs/configuration_files.md does what it says', async () => {
  const markdown = document('docs/configuration_files.md')
  const runs = await visitor.read(markdown, 'http://localhost:5000')
  const ran = new Map(runs.map((run) => [run.block.line, run.stdout]))
  for (const block of blocksOf(markdown))
    if (isShell(block) && !ran.has(block.line))
      expect(reasonNotToRun(block), `line ${block.line}`).toBeString()
  for (const { path, variable } of settingRows)
    expect(markdown).toMatch(new RegExp(`^\\| \`${path.join('.')}\` +\\| \`${variable}\` `, 'm'))
  const said = [...ran.values()]
  expect(said[0]).toContain('3 to create, 4 to change, 0 to remove')
  expect(said[0]).toEndWith('latchkey.yaml: nothing to change in sqlite:configured.db (version 1)\n')
  expect(said.join('\n')).toContain('client_name  Shop → Shop and more')
  expect(said.at(-1)).toContain('version 4 is in force')
}, 240_000)
