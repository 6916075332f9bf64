/** docs/audit.md has the kinds of events as they are in the code. */
import { expect, test } from 'bun:test'
import { root } from '../support/document.ts'

test('the table of kinds is that of src/models/audit/kinds.ts', () => {
  const { exitCode, stderr } = Bun.spawnSync(['bun', 'scripts/generate_audit_docs.ts', '--check'], {
    cwd: root,
  })
  expect(stderr.toString()).toBe('')
  expect(exitCode).toBe(0)
})
