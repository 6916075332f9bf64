/** Writes docs/configuration.md and .env.example from the entries in src/config/. `--check` only says whether they differ. */
import { configurationMarkdown, envExample } from '../src/config/describe.ts'
import { featureEntries } from '../src/table.ts'

const root = new URL('../', import.meta.url)
const documents: readonly [path: string, text: string][] = [
  ['docs/configuration.md', configurationMarkdown(featureEntries)],
  ['.env.example', envExample(featureEntries)],
]

for (const [path, text] of documents) {
  const file = Bun.file(new URL(path, root))
  const same = (await file.exists()) && (await file.text()) === text
  if (process.argv.includes('--check') && !same) {
    console.error(`${path} has drifted: run bun scripts/generate_configuration_docs.ts`)
    process.exitCode = 1
  } else if (!same) {
    await Bun.write(file, text)
    console.log(`wrote ${path}`)
  }
}
