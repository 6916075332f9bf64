/**
 * Commands for translators. `languages.ts missing de` prints the untranslated messages as JSON; `languages.ts merge de`
 * reads such JSON with translations from standard input into languages/de.json; `languages.ts check` prints problems.
 */
import { renameSync, writeFileSync } from 'node:fs'
import { type Language, languages } from '../src/lib/say.ts'
import {
  type Catalog,
  catalogPath,
  english,
  type Message,
  missing,
  problemOf,
  problemsOf,
  readCatalog,
  unusedKeys,
} from './language_checks.ts'

/** In the order of en.json, with an empty line between areas, as `bun fmt` has it. */
async function written(tag: Language, catalog: Catalog): Promise<string> {
  let area: string | undefined
  const lines = Object.keys(english)
    .filter((key) => catalog[key] !== undefined)
    .map((key) => {
      const before = area
      area = key.split('.')[0]
      return `${before !== undefined && before !== area ? '\n' : ''}${JSON.stringify(key)}: ${JSON.stringify(catalog[key])}`
    })
  const formatter = Bun.spawn(['bun', 'fmt', '--stdin-filepath', `languages/${tag}.json`], {
    stdin: new Blob([`{${lines.join(',\n')}}`]),
    stderr: 'inherit',
  })
  const text = await new Response(formatter.stdout).text()
  if ((await formatter.exited) !== 0) throw new Error('bun fmt failed')
  return text
}

async function merge(tag: Language, translated: Record<string, Message>): Promise<string[]> {
  const catalog: Record<string, Message> = { ...readCatalog(tag) }
  const problems: string[] = []
  for (const [key, message] of Object.entries(translated)) {
    const problem = problemOf(tag, key, message)
    if (problem === undefined) catalog[key] = message
    else problems.push(`${key} ${problem}: left out`)
  }
  const text = await written(tag, catalog)
  const path = catalogPath(tag)
  writeFileSync(`${path}.new`, text)
  renameSync(`${path}.new`, path)
  return problems
}

const [command = '', name = ''] = process.argv.slice(2)
const tag = languages.find((each) => each === name)
const fail = (lines: readonly string[]) => {
  for (const line of lines) console.error(line)
  if (lines.length > 0) process.exitCode = 1
}

if (command === 'check')
  fail([
    ...(tag ? [tag] : languages).flatMap(problemsOf),
    ...unusedKeys().map((key) => `en ${key} is not used`),
  ])
else if (tag === undefined || !['missing', 'merge'].includes(command))
  fail([`usage: bun scripts/languages.ts missing|merge|check ${languages.slice(1).join('|')}`])
else if (command === 'missing') console.log(JSON.stringify(missing(tag), undefined, 2))
else {
  fail(await merge(tag, JSON.parse(await Bun.stdin.text()) as Record<string, Message>))
  const left = Object.keys(missing(tag)).length
  console.log(`languages/${tag}.json: ${left === 0 ? 'complete' : `${left} still to translate`}`)
}
