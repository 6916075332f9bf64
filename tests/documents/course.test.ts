/** docs/course, carried out: every block of each lesson in order against a provider as `bun start` runs it, every answer compared. */
import { expect, setDefaultTimeout, test } from 'bun:test'
import { join } from 'node:path'
import { blocksOf, document, isShell, reader, root, withoutBlocks } from '../support/document.ts'
import { freePort } from '../support/free_port.ts'
import { spawnProvider } from '../support/provider.ts'

setDefaultTimeout(120_000)

/** In the order of the course. Worksheets of a classroom have the same names. */
const ids = [
  'redirects',
  'code-flow',
  'pkce',
  'tokens',
  'scopes-and-consent',
  'refresh',
  'service',
  'device',
  'par-and-jar',
  'dpop-and-step-up',
]

const lesson = (id: string): string => document(`docs/course/${id}.md`)

/** The sections of a lesson by their titles. */
const sectionsOf = (markdown: string): Map<string, string> =>
  new Map(
    markdown
      .split(/^## /m)
      .slice(1)
      .map((text) => [text.slice(0, text.indexOf('\n')), text]),
  )

const shellOf = (markdown: string): string[] =>
  blocksOf(markdown)
    .filter(isShell)
    .map(({ text }) => text)

/** How the pages of the lab name the flows of a lesson, and how each ended. */
const flowsNamed = (markdown: string): string[][] =>
  [...markdown.matchAll(/\*\*Flow “([^”]+)”(?:, (\w+))?:\*\*/g)].map(([, title, outcome]) => [
    title!,
    outcome ?? 'succeeded',
  ])

/** Title and outcome of each row of /lab/flows. */
async function flowsOf(issuer: string): Promise<string[][]> {
  const page = await (await fetch(`${issuer}/lab/flows`)).text()
  return [...page.matchAll(/<tr><th scope="row"><a [^>]*>([^<]*)<.*?data-title="Outcome">(.*?)<\/td>/gs)].map(
    ([, title, outcome]) => [title!, outcome!.replace(/<svg.*<\/svg>|<[^>]*>/gs, '')],
  )
}

/** A new student at a new provider, with its address as in "What you need". */
async function classroom(env: Record<string, string> = {}) {
  const student = reader()
  const op = await spawnProvider({ KEYS_PATH: join(student.folder, 'keys'), ...env })
  return {
    issuer: op.issuer,
    read: (id: string) =>
      student.read(`\`\`\`sh\nexport ISSUER=http://localhost:5000\n\`\`\`\n${lesson(id)}`, op.issuer),
    async [Symbol.asyncDispose]() {
      await op.stop()
      student.remove()
    },
  }
}

test.each(ids)('%s: every block does what it says', async (id) => {
  await using lab = await classroom()
  const runs = await lab.read(id)
  expect(runs).toHaveLength(shellOf(lesson(id)).length + 1)
  // Without a line break at its end an answer stands before the prompt.
  for (const { block, stdout } of runs) expect(stdout, block.text).toMatch(/^$|\n$/)
  const recorded = await flowsOf(lab.issuer)
  for (const named of flowsNamed(lesson(id))) expect(recorded).toContainEqual(named)
})

test('one lesson after the other, the last one twice, at a provider with a path', async () => {
  const port = `${freePort()}`
  await using lab = await classroom({ PORT: port, ISSUER_URL: `http://localhost:${port}/class/alice` })
  for (const id of [...ids, ids.at(-1)!]) await lab.read(id)
}, 240_000)

test.each(ids)('%s: the check sees each step that is left out', (id) => {
  const [check] = shellOf(sectionsOf(lesson(id)).get('Check')!)
  const claims = check!.match(/^check /gm)!
  const child = Bun.spawnSync(['bash', '-c', `. docs/course/tools.sh\n${check}`], { cwd: root })
  expect(child.stdout.toString().match(/^missing: /gm)).toHaveLength(claims.length)
  expect([child.stdout.toString().includes('held'), child.stderr.toString()]).toEqual([false, ''])
})

test.each(ids)('%s: its parts', (id) => {
  const markdown = lesson(id)
  const sections = sectionsOf(markdown)
  expect([...sections.keys()].filter((title) => title !== 'With your own browser')).toEqual([
    'Goal',
    'What you need',
    'Steps',
    'In the lab',
    'Questions',
    'A mistake on purpose',
    'Check',
  ])
  expect(sections.get('Goal')!.match(/[.?](?=\s)/g)!.length).toBeLessThanOrEqual(3)
  const steps = sections.get('Steps')!.split(/^### /m).slice(1)
  expect(steps.map((text) => Number.parseInt(text))).toEqual(steps.map((_, i) => i + 1))
  expect(steps.length).toBeGreaterThanOrEqual(5)
  expect(steps.length).toBeLessThanOrEqual(8)
  for (const each of [...steps, sections.get('A mistake on purpose')!])
    expect(shellOf(each), each).not.toBeEmpty()
  const questions = sections
    .get('Questions')!
    .split(/^\*\*\d+\. /m)
    .slice(1)
  expect(questions.length).toBeGreaterThanOrEqual(3)
  for (const each of questions) {
    expect(each, each).toMatch(/\?\*\*\n\n<details><summary>Answer<\/summary>\n/)
    const kinds = blocksOf(each).map((block) => (isShell(block) ? 'command' : block.note || block.language))
    expect(kinds, each).toContain('command')
    expect(['output', 'json'], each).toContain(kinds.at(-1)!)
  }
  expect(markdown.match(/<details>/g)).toHaveLength(questions.length)
  expect(markdown.match(/<\/details>/g)).toHaveLength(questions.length)
  // A rule is cited with the section, and a link to it.
  expect(
    withoutBlocks(markdown).match(/\]\(https:\/\/(www\.rfc-editor\.org|openid\.net)\/\S+#/g)!.length,
  ).toBeGreaterThan(3)
})

test('the index has the lessons in order, and each leads to the next', () => {
  const index = [...document('docs/course/README.md').matchAll(/^\| \d+\. \[[^\]]+\]\(([a-z-]+)\.md\)/gm)]
  expect(index.map(([, id]) => id)).toEqual(ids)
  ids.forEach((id, i) => {
    expect(lesson(id)).toContain(`Lesson ${i + 1} of 10 · [Course](README.md)`)
    if (i > 0) expect(lesson(ids[i - 1]!).split(`](${id}.md)`).length).toBeGreaterThan(2)
  })
})

test('the commands need bash, curl, openssl and the standard tools alone', () => {
  const words = /\b(bun|npx|node|jq|python3?|perl|ruby|xxd|basenc|base32|base64 |nc|head)\b/
  for (const text of [document('docs/course/tools.sh'), ...ids.flatMap((id) => shellOf(lesson(id)))])
    expect(text.replace(/openssl base64/g, '').replace(/`bun start`/g, '')).not.toMatch(words)
})
