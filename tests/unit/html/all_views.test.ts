import { expect, test } from 'bun:test'
import '../../../src/table.ts'
import { compileViews } from '../../../src/html/view.ts'

test('all views of the provider compile', () => {
  expect(compileViews).not.toThrow()
})
