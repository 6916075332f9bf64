/** docs/security.md: limits, purposes of outbound requests, secrets and log events are those of the code. */
import { expect, test } from 'bun:test'
import { join } from 'node:path'
import type { Entry } from '../../src/config/entry.ts'
import { entries as coreEntries } from '../../src/config/variables.ts'
import { features } from '../../src/table.ts'
import { document, root } from '../support/document.ts'

const markdown = document('docs/security.md')

/** The text of all files of `src/`. */
const sources = await Promise.all(
  [...new Bun.Glob('src/**/*.ts').scanSync(root)].map((path) => Bun.file(join(root, path)).text()),
)
const found = (pattern: RegExp): string[] => [
  ...new Set(sources.flatMap((text) => [...text.matchAll(pattern)].map((match) => match[1]!))),
]

const variables: readonly Entry[] = [...coreEntries, ...features.flatMap(({ env }) => env ?? [])]

test('every limit of the code is in the list', () => {
  const limits = found(/(?:count(?:Try|Address)|requireTriesLeft)\(\s*context,\s*'([a-z_]+)'/g)
  expect(limits.length).toBeGreaterThan(15)
  for (const limit of limits) expect(markdown, limit).toContain(`\`${limit}\``)
})

test('every purpose of an outbound request is in the list', async () => {
  const purposes = [...(await Bun.file(join(root, 'src/outbound/purpose.ts')).text()).matchAll(/\| '(\w+)'/g)]
  expect(purposes.length).toBeGreaterThan(5)
  for (const [, purpose] of purposes) expect(markdown, purpose).toContain(`| \`${purpose}\``)
})

test('every secret among the variables is in the list', () => {
  const secrets = variables.filter((entry) => entry.secret).map(({ name }) => name)
  expect(secrets.length).toBeGreaterThan(5)
  for (const name of secrets)
    if (!/^UPSTREAM_\w+_CLIENT_SECRET$/.test(name)) expect(markdown, name).toContain(`\`${name}\``)
})

test('every variable and every event that the page names exists', () => {
  const text = sources.join('\n')
  const known = variables.map(({ name }) => name)
  for (const [, name] of markdown.matchAll(/`([A-Z][A-Z0-9]*_[A-Z0-9_]+)[`=]/g))
    if (!name!.endsWith('_FILE')) expect(known, name).toContain(name!)
  const table = markdown.slice(markdown.indexOf('\n## Log'))
  for (const [, name] of table.matchAll(/`([a-z]+(?:_[a-z]+)+)`/g))
    expect(
      text.includes(`'${name}'`) ||
        name!.endsWith('_reused') ||
        name === 'request_id' ||
        name === 'client_id',
      name,
    ).toBeTrue()
})
