/** The floors of the house: who may import whom, who may know of HTTP, and how long a file may be. docs/architecture.md */
import { describe, expect, test } from 'bun:test'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'

const root = join(import.meta.dir, '../src')

/**
 * Rooms by floor (docs/architecture.md). The rule has no exception: an import, of a type too, goes down, or stays in
 * its own room. What is in no room (table.ts, app.ts, cli/, main.ts) stands on top; there imports go any way.
 */
const floors: Record<string, number> = {
  lib: 0,
  auth: 1,
  store: 1,
  config: 1,
  models: 2,
  html: 2,
  outbound: 2,
  openapi: 2,
  contracts: 3,
  clients: 4,
  people: 4,
  kits: 4,
  grants: 5,
  http: 5,
  flow: 6,
  endpoints: 7,
  features: 8,
}
const top = 9

interface Source {
  path: string
  text: string
  /** Files of ours that it imports, types included. */
  imports: string[]
}

/** Every import and re-export, static or dynamic, of a file of ours. */
function importsOf(path: string, text: string): string[] {
  const code = text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/^\s*\/\/.*$/gm, '')
  const targets = [
    ...code.matchAll(/^(?:import|export)\s+[^'"();=]*?\s*from\s+['"]([^'"]+)['"]/gm),
    ...code.matchAll(/^import\s+['"]([^'"]+)['"]/gm),
    ...code.matchAll(/\bimport\(\s*['"]([^'"]+)['"]\s*\)/g),
  ].map(([, target = '']) => target)
  return targets
    .filter((target) => target.startsWith('.'))
    .map((target) => normalize(join(dirname(path), target)))
}

const sources: Source[] = readdirSync(root, { recursive: true, encoding: 'utf8' })
  .filter((path) => path.endsWith('.ts'))
  .map((path) => {
    const text = readFileSync(join(root, path), 'utf8')
    return { path, text, imports: importsOf(path, text) }
  })

/** config.ts and version.ts belong to the room of the configuration. */
const folderOf = (path: string): string =>
  path === 'config.ts' || path === 'version.ts' ? 'config' : path.includes('/') ? path.split('/')[0]! : ''
const floorOf = (path: string): number => floors[folderOf(path)] ?? top
/** A feature is a room of its own. */
const roomOf = (path: string): string =>
  folderOf(path) === 'features' ? path.split('/').slice(0, 2).join('/') : folderOf(path)

/** The code without comments and strings: words there are no use. */
const bare = (text: string): string =>
  text
    .replace(/\/\*[\s\S]*?\*\//g, '')
    .replace(/\/\/.*$/gm, '')
    .replace(/'(?:[^'\\\n]|\\.)*'/g, "''")

function problemsWith(check: (source: Source, to: string) => boolean): string[] {
  return sources.flatMap((source) =>
    source.imports.filter((to) => check(source, to)).map((to) => `${source.path} -> ${to}`),
  )
}

test('the tree was read: there are files and imports, and each import names a file', () => {
  expect(sources.length).toBeGreaterThan(80)
  const known = new Set(sources.map(({ path }) => path))
  const all = sources.flatMap(({ imports }) => imports)
  expect(all.length).toBeGreaterThan(300)
  // Outside src/ live views, texts and package.json, read at build time.
  expect(all.filter((to) => !known.has(to) && !to.startsWith('../') && to.endsWith('.ts'))).toEqual([])
  const rooms = new Set(sources.map(({ path }) => folderOf(path)))
  expect(Object.keys(floors).filter((room) => !rooms.has(room))).toEqual([])
  expect([...rooms].filter((room) => !(room in floors)).sort()).toEqual(['', 'cli'])
})

test('the reader of imports sees every kind', () => {
  const text = [
    "import type { A } from './a.ts'",
    "import { type B, type C } from './b.ts'",
    "import { type D, e } from './c.ts'",
    "import f, { type G } from './d.ts'",
    "import * as h from './e.ts'",
    "export { i } from './f.ts'",
    "export type { J } from './g.ts'",
    "import {\n  k,\n  type L,\n} from './h.ts'",
    "const m = await import('./i.ts')",
    "import './j.ts'",
    "import * as v from 'valibot'",
    "// import { n } from './k.ts'",
  ].join('\n')
  expect(importsOf('x/y.ts', text).sort()).toEqual(
    ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j'].map((name) => `x/${name}.ts`),
  )
})

describe('imports', () => {
  test('only go down, types included', () => {
    expect(
      problemsWith(
        ({ path }, to) =>
          !to.startsWith('../') &&
          floorOf(path) < top &&
          roomOf(to) !== roomOf(path) &&
          floorOf(to) >= floorOf(path),
      ),
    ).toEqual([])
  })

  test('of features: only the table has any', () => {
    expect(
      problemsWith(
        ({ path }, to) => folderOf(to) === 'features' && roomOf(path) !== roomOf(to) && path !== 'table.ts',
      ),
    ).toEqual([])
  })

  test('of store drivers: only where one is picked', () => {
    const pickers = ['cli/open.ts', 'cli/open_store.ts', 'cli/store_place.ts']
    const drivers = ['memory', 'sqlite', 'redis', 'postgres', 'sealed'].map((name) => `store/${name}.ts`)
    expect(
      problemsWith(
        ({ path }, to) => drivers.includes(to) && folderOf(path) !== 'store' && !pickers.includes(path),
      ),
    ).toEqual([])
  })

  test('make no circle: only the types of src/contracts/ name each other', () => {
    const graph = new Map(
      sources
        .filter(({ path }) => folderOf(path) !== 'contracts')
        .map(({ path, imports }) => [path, imports]),
    )
    const done = new Set<string>()
    const circles: string[] = []
    const visit = (path: string, way: string[]) => {
      if (way.includes(path)) circles.push([...way.slice(way.indexOf(path)), path].join(' -> '))
      if (done.has(path) || way.includes(path)) return
      for (const to of graph.get(path) ?? []) visit(to, [...way, path])
      done.add(path)
    }
    for (const path of graph.keys()) visit(path, [])
    expect(circles).toEqual([])
  })

  test('of packages: those of package.json, and what Bun and node bring', () => {
    const packages = new Set<string>()
    for (const { text } of sources)
      for (const [, name = ''] of bareImports(text))
        if (!/^(?:node:|bun(?::|$)|\.)/.test(name)) packages.add(name)
    const { dependencies } = JSON.parse(readFileSync(join(root, '../package.json'), 'utf8')) as {
      dependencies: Record<string, string>
    }
    const owners = [...packages].map((name) =>
      name
        .split('/')
        .slice(0, name.startsWith('@') ? 2 : 1)
        .join('/'),
    )
    expect(owners.filter((name) => !(name in dependencies))).toEqual([])
  })
})

const bareImports = (text: string) =>
  text.replace(/\/\*[\s\S]*?\*\//g, '').matchAll(/^(?:import|export)\s[^'"();=]*?from\s+['"]([^'"]+)['"]/gm)

/** The same rule for the editor: .oxlintrc.json has an override for each room. */
const lintOverrides = () =>
  Object.entries(floors).flatMap(([room, floor]) => {
    const above = Object.keys(floors).filter((other) => other !== room && floors[other]! >= floor)
    const group = [...above.map((other) => `**/${other}/**`), '**/cli/**', '**/table.ts', '**/app.ts']
    const message = `Imports go down only: ${room} may not import this (docs/architecture.md).`
    const rule = ['error', { patterns: [{ group, message }] }]
    return [{ files: [`src/${room}/**`], rules: { 'no-restricted-imports': rule } }]
  })

test('the editor knows the floors: UPDATE_LINT=1 bun test tests/architecture.test.ts writes them', () => {
  const path = join(root, '../.oxlintrc.json')
  const config = JSON.parse(readFileSync(path, 'utf8')) as { overrides: { files: string[] }[] }
  const others = config.overrides.filter(({ files }) => !files[0]?.startsWith('src/'))
  const overrides = [...others, ...lintOverrides()]
  if (process.env.UPDATE_LINT === '1')
    writeFileSync(path, `${JSON.stringify({ ...config, overrides }, null, 2)}\n`)
  else expect(config.overrides).toEqual(overrides as { files: string[] }[])
})

describe('each floor knows its own business', () => {
  const on = (...folders: string[]) => sources.filter(({ path }) => folders.includes(folderOf(path)))

  test('rules, records and grants know nothing of HTTP or the process', () => {
    const words =
      /\b(?:new Response|: Response|new Request|: Request\b|process\.env|document\.cookie|Bun\.serve)|[Cc]ookieName|setCookie/
    for (const { path, text } of on('auth', 'models', 'grants'))
      expect(`${path}: ${words.exec(bare(text))?.[0] ?? 'nothing'}`).toBe(`${path}: nothing`)
  })

  test('rules have no clock, no randomness and no files of their own', () => {
    const words = /\bDate\.now|\bnew Date\b|Math\.random|getRandomValues|randomBytes|node:fs|Bun\.file/
    for (const { path, text } of on('auth'))
      expect(`${path}: ${words.exec(bare(text))?.[0]}`).toBe(`${path}: undefined`)
  })

  test('below the top nobody reads the environment or the time of day', () => {
    const words = /process\.env|\bDate\.now\(\)|Math\.random/
    // The clock itself, and a store that waits a little at random before it tries again.
    const allowed = ['lib/clock.ts', 'store/sqlite_busy.ts', 'store/postgres_pool.ts']
    for (const { path, text } of sources.filter(
      ({ path: each }) => floorOf(each) < top && !allowed.includes(each),
    ))
      expect(`${path}: ${words.exec(bare(text))?.[0]}`).toBe(`${path}: undefined`)
  })

  test('no mutable state of a module', () => {
    for (const { path, text } of sources.filter(({ path: each }) => floorOf(each) < top))
      expect(`${path}: ${/^(?:export )?let\s.*$/m.exec(bare(text))?.[0]}`).toBe(`${path}: undefined`)
  })

  test('no any, no enum, nothing put off or waved through', () => {
    for (const { path, text } of sources) {
      expect(
        `${path}: ${/:\s*any\b|as any\b|<any>|^(?:export )?(?:const )?enum\s/m.exec(bare(text))?.[0]}`,
      ).toBe(`${path}: undefined`)
      expect(`${path}: ${/TODO|FIXME|XXX|@ts-ignore|@ts-expect-error|@ts-nocheck/.exec(text)?.[0]}`).toBe(
        `${path}: undefined`,
      )
    }
  })
})

/** Each list of parameters in the text: names and types, in order. A list in parentheses that has no types is none. */
function parameterLists(text: string): { name: string; type: string }[][] {
  const code = text
    .replace(/\/\*[\s\S]*?\*\//g, '')
    .replace(/\/\/.*$/gm, '')
    .replaceAll('=>', '')
  return [...code.matchAll(/\(/g)].flatMap(({ index }) => {
    const parts = ['']
    for (let at = index + 1, depth = 0; depth >= 0 && at < code.length; at++) {
      const char = code[at]!
      if ('([{<'.includes(char)) depth++
      else if (')]}>'.includes(char)) depth--
      if (depth === 0 && char === ',') parts.push('')
      else if (depth >= 0) parts.push(parts.pop()! + char)
    }
    const parameters = parts
      .map((part) => part.trim())
      .filter((part) => part !== '')
      .map((part) => /^(\w+|\{[^}]*\})\??:\s*([\s\S]+)$/.exec(part))
    if (parameters.length === 0 || parameters.some((each) => each === null)) return []
    return [parameters.map((each) => ({ name: each![1]!, type: each![2]! }))]
  })
}

describe('contracts', () => {
  /** What is wrong with the order of these parameters: call, context, then the subject; at most three. */
  function disorder(parameters: { name: string; type: string }[]): string | undefined {
    const types = parameters.map(({ type }) => type.split(' ')[0]!)
    const [call, context] = [types.indexOf('Call'), types.indexOf('Context')]
    if (call > 0) return 'call is not first'
    if (context > (call === 0 ? 1 : 0)) return 'context comes after another parameter than call'
    return parameters.length > 3 ? 'more than three parameters' : undefined
  }
  const problemsIn = (text: string): string[] =>
    parameterLists(text).flatMap((parameters) => {
      const problem = disorder(parameters)
      return problem ? [`(${parameters.map(({ name }) => name).join(', ')}): ${problem}`] : []
    })

  test('take call, context and then the subject: an object instead of more than three', () => {
    const contracts = sources.filter(({ path }) => folderOf(path) === 'contracts')
    expect(
      contracts.flatMap(({ text }) => parameterLists(text)).filter(({ length }) => length > 1).length,
    ).toBeGreaterThan(40)
    expect(
      contracts.flatMap(({ path, text }) => problemsIn(text).map((problem) => `${path}: ${problem}`)),
    ).toEqual([])
  })

  test('are read with every kind of parameter', () => {
    expect(
      problemsIn(
        [
          'good(call: Call | undefined, context: Context, { a, b }: { a: A; b: (c: C) => void }): void',
          'each<(context: Context, user: User) => Map<string, number>>',
          'first(client: Client, context: Context): void',
          'second?(\n    client: Client,\n    call: Call,\n  ): void',
          'type Third = (context: Context, a: Map<string, A>, b: B, c: C) => void',
          'fourth(a: (user: User, context: Context) => void): void',
          'fifth((client, context) => client)',
        ].join('\n'),
      ),
    ).toEqual([
      '(client, context): context comes after another parameter than call',
      '(client, call): call is not first',
      '(context, a, b, c): more than three parameters',
      '(user, context): context comes after another parameter than call',
    ])
  })
})

describe('files', () => {
  test('open with one sentence in a comment', () => {
    const silent = sources.filter(({ text }) => !/^(?:#!.*\n)?\/\*\*\s+\S/.test(text)).map(({ path }) => path)
    expect(silent).toEqual([])
  })

  test('are at most 300 lines, and usually far fewer', () => {
    const lengths = sources.map(({ path, text }) => ({ path, lines: text.split('\n').length - 1 }))
    expect(lengths.filter(({ lines }) => lines > 300)).toEqual([])
    const sorted = lengths.map(({ lines }) => lines).sort((a, b) => a - b)
    expect(sorted[Math.floor(sorted.length / 2)]!).toBeLessThanOrEqual(100)
  })

  test('have no name that says nothing', () => {
    const empty = /(?:^|\/)(?:utils?|helpers?|common|misc|shared|manager)(?:\.ts$|\/)/
    expect(sources.filter(({ path }) => empty.test(path)).map(({ path }) => path)).toEqual([])
    expect(sources.filter(({ path }) => !/^[a-z0-9_/]+\.ts$/.test(path)).map(({ path }) => path)).toEqual([])
  })

  test('import with their endings', () => {
    const odd = sources.flatMap(({ path, imports }) =>
      imports.filter((to) => !/\.\w+$/.test(to)).map((to) => `${path} -> ${to}`),
    )
    expect(odd).toEqual([])
  })
})
