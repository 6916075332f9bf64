/** docs/features.md, carried out: each example answers as its section says, and no feature is without a section. */
import { afterAll, expect, test } from 'bun:test'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { features } from '../../src/table.ts'
import { blocksOf, document } from '../support/document.ts'
import { spawnProvider } from '../support/provider.ts'

const folder = join(import.meta.dir, '../../src/features')
const [introduction, ...parts] = document('docs/features.md').split(/^### /m)
const shared = blocksOf(introduction!)[0]!.text

const sections = parts.map((part) => {
  const [body = ''] = part.split(/^## /m)
  return {
    name: body.split('\n')[0]!,
    body,
    members: [...body.matchAll(/^- \*\*([\w ]+):\*\* (\S.*)$/gm)].map(
      ([, label, text]) => [label!, text!] as const,
    ),
    commands: blocksOf(body).map(({ text }) => text.trim()),
    answers: [...body.matchAll(/^Answer: (\d{3})(?:, with `(\S+)`)?$/gm)],
  }
})

/** What every section says under `label`. */
const texts = (label: string): string =>
  sections
    .flatMap(({ members }) => members.filter(([each]) => each === label).map(([, text]) => text))
    .join(' ')

const op = await spawnProvider()
afterAll(() => op.stop())

test('each section has a specification, a switch, client metadata, one command and one answer', () => {
  for (const { name, body, members, commands, answers } of sections) {
    expect([name, ...members.map(([label]) => label)]).toEqual([
      name,
      'Specification',
      'Switch',
      'Client metadata',
    ])
    expect([name, body.match(/^- /gm)?.length, commands.length, answers.length]).toEqual([name, 3, 1, 1])
  }
  expect(new Set(sections.map(({ name }) => name)).size).toBe(sections.length)
})

for (const { name, commands, answers } of sections)
  test(`${name}`, async () => {
    const [command = ''] = commands
    const [, status, word = ''] = answers[0] ?? []
    expect(command).toStartWith('curl -s ')
    const here = `${shared}${command}`.replaceAll('http://localhost:5000', op.issuer)
    const run = Bun.spawnSync(['sh', '-c', `${here} -m 10 -w '\\n%{http_code}'`])
    const answer = run.stdout.toString()
    expect([answer.slice(-3), run.exitCode], answer).toEqual([status!, 0])
    expect(answer).toContain(word)
  })

const withoutFragment = (url: string): string => url.split('#')[0]!
const specifications = new Set(
  [...texts('Specification').matchAll(/\((https:[^)\s]+)\)/g)].map(([, url]) => withoutFragment(url!)),
)

/** Those of the teaching lab implement no specification: docs/lab.md. */
const folders = readdirSync(folder, { withFileTypes: true }).filter(
  (each) => each.isDirectory() && !/^lab(_|$)/.test(each.name),
)
for (const { name } of folders)
  test(`src/features/${name} has a section with its specification`, () => {
    const [first] = readFileSync(join(folder, name, 'feature.ts'), 'utf8').split('\n')
    const urls = [...first!.matchAll(/https:\/\/[^\s,]+/g)].map(([url]) => withoutFragment(url))
    expect(urls, `the first comment of src/features/${name}/feature.ts names no specification`).not.toEqual(
      [],
    )
    for (const url of urls)
      expect(
        [...specifications],
        `add a section to docs/features.md: "- **Specification:** [name](${url})"`,
      ).toContain(url)
  })

test('every variable of a feature is the switch of some section, and metadata it brings is named', () => {
  const switches = texts('Switch')
  const metadata = texts('Client metadata')
  for (const feature of features) {
    for (const { name } of feature.env ?? [])
      expect(switches, `add to docs/features.md: "- **Switch:** \`${name}=…\`"`).toContain(`\`${name}`)
    const names = Object.keys(feature.clientMetadata?.entries ?? {})
    if (names.length > 0)
      expect([feature.name, names.some((each) => metadata.includes(`\`${each}\``))]).toEqual([
        feature.name,
        true,
      ])
  }
})
