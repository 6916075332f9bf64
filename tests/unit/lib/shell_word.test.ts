/** A word of a shell is the text, and runs nothing. */
import { expect, test } from 'bun:test'
import { shellWord } from '../../../src/lib/shell_word.ts'

test.each([
  [''],
  ['plain'],
  ["it's"],
  ["''"],
  ['$(echo ran)'],
  ['`echo ran`'],
  ["';echo ran;'"],
  ['"$HOME"'],
  ['\\'],
  ["\\'"],
  ['two\nlines'],
  ['-n'],
  ['!!'],
  ['*'],
])('%j comes out as it went in', async (text) => {
  const run = Bun.spawn(['bash', '-c', `printf %s ${shellWord(text)}`], { stdout: 'pipe' })
  expect(await new Response(run.stdout).text()).toBe(text)
  expect(await run.exited).toBe(0)
})
