/** What a start loads: the static imports of `serve`, counted. A module that only a request needs is loaded by it (lib/lazy.ts). bench/README.md, "Where a start goes" */
import { expect, test } from 'bun:test'
import { builtinModules } from 'node:module'
import { dirname, join, relative } from 'node:path'

const root = join(import.meta.dir, '../../..')
const transpiler = new Bun.Transpiler({ loader: 'ts' })

/** The files of `entries` and of all that they import before they run, and the modules of the runtime among those. */
async function loadedBy(...entries: string[]) {
  const files = new Set(entries.map((entry) => join(root, entry)))
  const builtins = new Set<string>()
  for (const file of files) {
    if (!file.endsWith('.ts')) continue
    for (const { kind, path } of transpiler.scanImports(await Bun.file(file).text())) {
      if (kind !== 'import-statement') continue
      if (builtinModules.includes(path.replace('node:', '')) || path.startsWith('bun:')) builtins.add(path)
      else files.add(path.startsWith('.') ? join(dirname(file), path) : path)
    }
  }
  return { files: [...files].map((file) => relative(root, file)), builtins: [...builtins].toSorted() }
}

const { files, builtins } = await loadedBy('src/cli/start_server.ts', 'src/cli/serve.ts')

test('modules of the runtime: none but those that a start uses, because some take milliseconds', () => {
  expect(builtins).toEqual([
    'node:crypto',
    'node:diagnostics_channel',
    'node:fs',
    'node:fs/promises',
    'node:os',
    'node:path',
  ])
})

test('our own modules: at most so many', () => {
  const own = files.filter((file) => file.startsWith('src/'))
  expect(own.length).toBeGreaterThan(300) // the count sees imports of imports
  expect(own.length).toBeLessThanOrEqual(620)
})

test('of the lab no more than what says which paths there are', () => {
  expect(files.filter((file) => /src\/features\/lab\w*\/(?!(?:feature|paths)\.ts)/.test(file))).toEqual([])
})

test('of the administration neither a page nor a route', () => {
  const eager =
    /src\/features\/administration\/pages\/(?!(?:pages|head|views|parts|way_to_issuer)\.ts)|\/routes\//
  expect(files.filter((file) => eager.test(file))).toEqual([])
})

test('every view outside of the lab: a theme that replaces it is read at the start', async () => {
  const missing: string[] = []
  for await (const file of new Bun.Glob('src/**/*.ts').scan(root)) {
    if (/src\/(?:html\/view|features\/lab|flow\/(?:lessons|lab_))/.test(file) || files.includes(file))
      continue
    if ((await Bun.file(join(root, file)).text()).includes('defineView(')) missing.push(file)
  }
  expect(missing).toEqual([])
})
