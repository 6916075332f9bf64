/** The files under .github: they are read by another program, which tells of a mistake only when it is too late. */
import { expect, test } from 'bun:test'
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { convertWorkflowTemplate, NoOperationTraceWriter, parseWorkflow } from '@actions/workflow-parser'

const root = join(import.meta.dir, '../..')
const read = (path: string): unknown => Bun.YAML.parse(readFileSync(join(root, '.github', path), 'utf8'))

test('the workflow runs .ci/run with the right to read alone', () => {
  expect(statSync(join(root, '.ci/run')).mode & 0o111).not.toBe(0)
  expect(read('workflows/test.yml')).toMatchObject({
    on: { push: { branches: ['main'] } },
    permissions: { contents: 'read' },
    jobs: { test: { steps: expect.arrayContaining([{ run: '.ci/run' }]) } },
  })
})

/** What GitHub's own parser says of a workflow. */
async function faultsOf(name: string, content: string): Promise<string[]> {
  const { context, value } = parseWorkflow({ name, content }, new NoOperationTraceWriter())
  if (value) await convertWorkflowTemplate(context, value)
  return context.errors.getErrors().map(({ message }) => message)
}

test.each(readdirSync(join(root, '.github/workflows')))('GitHub reads %s without a fault', async (name) => {
  const text = readFileSync(join(root, '.github/workflows', name), 'utf8')
  expect(await faultsOf(name, text)).toEqual([])
  expect(await faultsOf(name, text.replace('runs-on:', 'run-on:'))).not.toEqual([])
})

test('packages, actions and the base image are kept up to date', () => {
  const { updates } = read('dependabot.yml') as { updates: { 'package-ecosystem': string }[] }
  expect(updates.map((each) => each['package-ecosystem'])).toEqual(['bun', 'github-actions', 'docker'])
})

test('each form has a name, and fields with a label and an id of their own', () => {
  const forms = readdirSync(join(root, '.github/ISSUE_TEMPLATE')).filter((name) => name !== 'config.yml')
  expect(forms).toEqual(['fault.yml', 'proposal.yml'])
  for (const name of forms) {
    const form = read(`ISSUE_TEMPLATE/${name}`) as {
      name: string
      description: string
      body: { id?: string; attributes: { label: string } }[]
    }
    expect([typeof form.name, typeof form.description]).toEqual(['string', 'string'])
    for (const { attributes } of form.body) expect(attributes.label).toMatch(/\w/)
    const ids = form.body.flatMap(({ id }) => id ?? [])
    expect(new Set(ids).size).toBe(ids.length)
  }
})
