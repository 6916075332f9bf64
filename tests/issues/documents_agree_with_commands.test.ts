/** What new users stumbled on: commands that the README lacks, variables of a reload, options of a move, marks of a merge, secrets that all users of a machine can read. Issue 10 */
import { expect, test } from 'bun:test'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { commands } from '../../src/cli/commands.ts'
import { fixed } from '../../src/cli/reload.ts'
import { blocksOf, document, isShell, root } from '../support/document.ts'

const markdown = ['README.md', 'CONTRIBUTING.md', 'SECURITY.md', 'keys/README.md'].concat(
  ['docs', 'docs/clients', 'docs/decisions', 'examples'].flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: folder === 'examples' })
      .map((name) => `${folder}/${name}`)
      .filter((name) => name.endsWith('.md') && !name.includes('node_modules')),
  ),
)

const spans = (text: string): string[] => [...text.matchAll(/`([^`]+)`/g)].map(([, span]) => span!)

test('the table of the README has every command, and no other', () => {
  const readme = document('README.md')
  const table = readme.slice(readme.indexOf('| Command'), readme.indexOf('`latchkey help user`'))
  const known: string[] = commands.map(({ name }) => name)
  const written = table
    .split('\n')
    .slice(2)
    .flatMap((row) => {
      let group = ''
      return spans(row.split('|')[1] ?? '').flatMap((span) => {
        if (span.startsWith('--')) return []
        const whole = known.includes(`${group} ${span}`) ? `${group} ${span}` : span
        if (whole.includes(' ')) group = whole.slice(0, whole.lastIndexOf(' '))
        return [whole]
      })
    })
  expect(written.toSorted()).toEqual(known.toSorted())
})

test('deployment.md names what needs a restart, as the reload has it', () => {
  const page = document('docs/deployment.md')
  const from = page.indexOf('all old values stay')
  expect(page.indexOf('all old values stay', from + 1)).toBe(-1)
  const named = spans(
    page.slice(page.indexOf('| For', from), page.indexOf('\n\n', page.indexOf('| For', from))),
  )
  const families = named.filter((each) => each.endsWith('_…')).map((each) => each.slice(0, -1))
  const variables = Object.values(fixed)
  const single = variables.filter((each) => !families.some((family) => each.startsWith(family)))
  // The presence of a certificate needs a restart as well, and Vault's sign-in while it keeps keys.
  expect(named.filter((each) => !each.endsWith('_…')).toSorted()).toEqual(
    [...single, 'TLS_CERT_PATH'].toSorted(),
  )
  expect(families.toSorted()).toEqual(['OTEL_', 'SENTRY_', 'VAULT_'])
})

test('a command that moves a store is written with both stores', () => {
  const mentions = markdown.flatMap((path) =>
    [...document(path).matchAll(/latchkey migrate[^`\n]*/g)].map(([mention]) => `${path}: ${mention}`),
  )
  expect(mentions.length).toBeGreaterThan(5)
  const bare = mentions.filter((each) => !/--from .*--to /.test(each) && !each.endsWith(': latchkey migrate'))
  expect(bare).toEqual([])
})

test('no file has the marks of a merge', () => {
  const files = Bun.spawnSync(['git', 'ls-files'], { cwd: root }).stdout.toString().trim().split('\n')
  expect(files.length).toBeGreaterThan(1000)
  const marks = /^(?:<{7} |>{7} |> > > > > > > )/m
  const texts = files.filter((name) => /\.(?:md|ts|sh|json|yaml|yml|css|html|txt|toml)$/.test(name))
  const found = texts.filter((name) => marks.test(readFileSync(join(root, name), 'utf8')))
  expect(found).toEqual([])
})

/** What makes the command write a file that others cannot read: its mode is set before the secret is in it. */
function isPrivate(commandsBefore: string, command: string): boolean {
  if (/umask 077/.test(commandsBefore) || /umask 077/.test(command)) return true
  const [, target = ''] = />\s*([\w./-]+)/.exec(command) ?? []
  if (new RegExp(`install -m 6[04]0 .*${target.replaceAll('.', String.raw`\.`)}`).test(commandsBefore))
    return true
  const [folder, name] = target.split('/')
  return name !== undefined && new RegExp(`mkdir -m 700 ${folder}`).test(commandsBefore)
}

/** Commands that write a secret into a file. */
const writesSecret = /(?:openssl rand|printf .*(?:PASSWORD|:%s@)).*>\s*[\w./-]+|cat > \S*\.env/

const scripts = [
  ...markdown.flatMap((path) =>
    blocksOf(document(path))
      .filter(isShell)
      .map(({ text, line }) => ({ at: `${path}:${line}`, text })),
  ),
  ...['compose.yaml', 'deploy/compose.ha.yaml', 'deploy/compose.postgres.yaml'].map((path) => ({
    at: path,
    text: document(path).replaceAll(/^# {0,3}/gm, ''),
  })),
]

test('a secret is written into a file that its owner alone can read', () => {
  const seen: string[] = []
  for (const { at, text } of scripts) {
    const lines = text.split('\n')
    for (const [i, line] of lines.entries()) {
      if (!writesSecret.test(line)) continue
      seen.push(at)
      expect(isPrivate(lines.slice(0, i).join('\n'), line), `${at}: ${line}`).toBe(true)
    }
  }
  expect(seen.length).toBeGreaterThan(10)
})
