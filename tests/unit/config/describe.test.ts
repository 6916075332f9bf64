/** What is written about the configuration is what the configuration is. */
import { expect, test } from 'bun:test'
import * as v from 'valibot'
import { defineEntries, loadConfig } from '../../../src/config.ts'
import { configurationMarkdown, envExample } from '../../../src/config/describe.ts'
import { featureEntries } from '../../../src/table.ts'
import { developmentSecretKey } from '../../../src/config/server_variables.ts'
import { entries } from '../../../src/config/variables.ts'

const root = `${import.meta.dir}/../../..`
const fileText = (path: string) => Bun.file(`${root}/${path}`).text()

const mend = 'bun scripts/generate_configuration_docs.ts writes docs/configuration.md and .env.example anew'

test('the committed documents have not drifted: bun scripts/generate_configuration_docs.ts', () => {
  const check = Bun.spawnSync(['bun', 'scripts/generate_configuration_docs.ts', '--check'], {
    cwd: root,
    stderr: 'pipe',
  })
  expect(check.stderr.toString(), mend).toBe('')
  expect(check.exitCode).toBe(0)
})

test('every entry describes itself, everywhere', async () => {
  const texts = [await fileText('docs/configuration.md'), await fileText('.env.example')]
  for (const { name, schema, help } of entries) {
    expect(v.getDescription(schema)).toBeTruthy()
    for (const text of texts) {
      expect(text).toContain(help)
      expect(text).toMatch(new RegExp(`\\b${name}\\b`))
    }
  }
  for (const text of texts) expect(text).not.toContain(developmentSecretKey)
})

test('a copy of .env.example changes nothing, and neither does uncommenting all of it', async () => {
  const text = await fileText('.env.example')
  expect(text.split('\n').filter((line) => line && !line.startsWith('#'))).toEqual([])
  const lines = [...text.matchAll(/^#([A-Z\d_]+)=(.*)$/gm)]
  const all = [...entries, ...Object.values(featureEntries).flat()]
  expect(
    lines.map(([, name]) => name),
    mend,
  ).toEqual(all.map(({ name }) => name))
  const env = Object.fromEntries(lines.map(([, name, value = '']) => [name, value.replace(/^"(.*)"$/, '$1')]))
  expect(loadConfig(env, { featureEntries })).toEqual(loadConfig({}, { featureEntries }))
})

test('entries of features are written down under their name', () => {
  const widget = defineEntries([
    {
      name: 'WIDGET_MODE',
      realm: 'server',
      schema: v.pipe(v.string(), v.description('a | b')),
      default: 'a',
      help: 'Which.',
    },
  ])
  expect(configurationMarkdown({ widget })).toMatch(
    /## widget\n\n[^#]*\| `WIDGET_MODE` \| Which\. +\| a \\\| b \|/,
  )
  expect(envExample({ widget })).toContain('## widget\n\n# Which.\n# a | b\n#WIDGET_MODE=a\n')
})
