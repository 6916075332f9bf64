/** The floors of the house: who may import whom, who may know of HTTP, and how long a file may be. docs/architecture.md */
import { describe, expect, test } from 'bun:test'
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'

const root = join(import.meta.dir, '../src')

/** Folders by floor; files in none of them (app.ts, table.ts, main.ts, cli/) stand on top, config.ts beside lib. */
const floors: Record<string, number> = {
  lib: 0,
  auth: 1,
  store: 1,
  models: 2,
  grants: 3,
  http: 3,
  endpoints: 4,
  features: 5,
}
const top = 9

/** Contracts of types: anybody may import a type from them, wherever they stand. */
const contracts = [
  'context.ts',
  'config.ts',
  'endpoints/endpoint.ts',
  'features/feature.ts',
  'http/call.ts',
  'grants/live_token.ts', // what a checked token says; http/resource.ts is handed the check itself
]

interface Import {
  to: string
  /** Nothing of it is left at run time. */
  typeOnly: boolean
}

interface Source {
  path: string
  text: string
  imports: Import[]
}

/** Every import and re-export, static or dynamic, of a file of ours. */
function importsOf(path: string, text: string): Import[] {
  const code = text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/^\s*\/\/.*$/gm, '')
  const found: Import[] = []
  const add = (target: string, typeOnly: boolean) => {
    if (target.startsWith('.')) found.push({ to: normalize(join(dirname(path), target)), typeOnly })
  }
  for (const [, kind = '', clause = '', target = ''] of code.matchAll(
    /^(?:import|export)\s+(type\s+)?([^'"();=]*?)\s*from\s+['"]([^'"]+)['"]/gm,
  )) {
    const names = /\{([\s\S]*)\}/.exec(clause)?.[1]
    const onlyTypes =
      names !== undefined &&
      !clause.replace(/\{[\s\S]*\}/, '').replace(/[,\s]/g, '') &&
      names.split(',').every((name) => name.trim() === '' || /^type\s/.test(name.trim()))
    add(target, kind !== '' || onlyTypes)
  }
  for (const [, target = ''] of code.matchAll(/^import\s+['"]([^'"]+)['"]/gm)) add(target, false)
  for (const [, target = ''] of code.matchAll(/\bimport\(\s*['"]([^'"]+)['"]\s*\)/g)) add(target, false)
  return found
}

const sources: Source[] = readdirSync(root, { recursive: true, encoding: 'utf8' })
  .filter((path) => path.endsWith('.ts'))
  .map((path) => {
    const text = readFileSync(join(root, path), 'utf8')
    return { path, text, imports: importsOf(path, text) }
  })

const folderOf = (path: string): string => path.split('/')[0]!
const floorOf = (path: string): number => {
  if (path.startsWith('config/') || path === 'config.ts' || path === 'version.ts') return 0.5
  return path.includes('/') ? (floors[folderOf(path)] ?? top) : top
}
/** A feature is its folder; contract and features apart. */
const roomOf = (path: string): string =>
  folderOf(path) === 'features' && path.split('/').length > 2
    ? path.split('/').slice(0, 2).join('/')
    : folderOf(path)

/** The code without comments and strings: words there are no use. */
const bare = (text: string): string =>
  text
    .replace(/\/\*[\s\S]*?\*\//g, '')
    .replace(/\/\/.*$/gm, '')
    .replace(/'(?:[^'\\\n]|\\.)*'/g, "''")

function problemsWith(check: (source: Source, each: Import) => string | undefined): string[] {
  return sources.flatMap((source) =>
    source.imports.flatMap((each) => {
      const problem = check(source, each)
      return problem === undefined ? [] : [`${source.path} -> ${each.to}: ${problem}`]
    }),
  )
}

test('the tree was read: there are files and imports, and each import names a file', () => {
  expect(sources.length).toBeGreaterThan(80)
  const known = new Set(sources.map(({ path }) => path))
  const all = sources.flatMap(({ imports }) => imports)
  expect(all.length).toBeGreaterThan(300)
  // Outside src/ live views, texts and package.json, read at build time.
  expect(all.filter(({ to }) => !known.has(to) && !to.startsWith('../') && to.endsWith('.ts'))).toEqual([])
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
  expect(
    importsOf('x/y.ts', text)
      .map(({ to, typeOnly }) => `${to} ${typeOnly ? 'type' : 'value'}`)
      .sort(),
  ).toEqual([
    'x/a.ts type',
    'x/b.ts type',
    'x/c.ts value',
    'x/d.ts value',
    'x/e.ts value',
    'x/f.ts value',
    'x/g.ts type',
    'x/h.ts value',
    'x/i.ts value',
    'x/j.ts value',
  ])
})

describe('imports', () => {
  test('never go upward, not even for a type, but to the contracts', () => {
    expect(
      problemsWith(({ path }, { to, typeOnly }) =>
        floorOf(to) > floorOf(path) && !to.startsWith('../') && !(typeOnly && contracts.includes(to))
          ? 'upward'
          : undefined,
      ),
    ).toEqual([])
  })

  test('never cross to another folder on the same floor', () => {
    expect(
      problemsWith(({ path }, { to, typeOnly }) =>
        floorOf(to) === floorOf(path) &&
        floorOf(path) < top &&
        roomOf(to) !== roomOf(path) &&
        !(typeOnly && contracts.includes(to)) &&
        !(floorOf(path) === 0.5) &&
        to !== 'features/feature.ts'
          ? 'across'
          : undefined,
      ),
    ).toEqual([])
  })

  test('of features: only the table has any', () => {
    expect(
      problemsWith(({ path }, { to }) =>
        to.startsWith('features/') &&
        roomOf(to) !== 'features' &&
        roomOf(path) !== roomOf(to) &&
        path !== 'table.ts'
          ? 'a feature is known outside its folder'
          : undefined,
      ),
    ).toEqual([])
  })

  test('of the contracts are types, for they hold nothing else', () => {
    const context = sources.find(({ path }) => path === 'context.ts')!
    expect(context.imports.filter(({ typeOnly }) => !typeOnly)).toEqual([])
    expect(bare(context.text)).not.toMatch(/^export (?:const|function|class|let)/m)
  })

  test('of store drivers: only where one is picked', () => {
    const drivers = ['memory', 'sqlite', 'redis', 'sealed'].map((name) => `store/${name}.ts`)
    expect(
      problemsWith(({ path }, { to }) =>
        drivers.includes(to) && folderOf(path) !== 'store' && path !== 'cli/open.ts' ? 'a driver' : undefined,
      ),
    ).toEqual([])
  })

  test('make no circle of values', () => {
    const graph = new Map(
      sources.map(({ path, imports }) => [
        path,
        imports.filter(({ typeOnly }) => !typeOnly).map(({ to }) => to),
      ]),
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

  test('of packages: the three at run time, and what Bun and node bring', () => {
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
    const allowed = ['lib/clock.ts', 'store/sqlite.ts']
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
      imports.filter(({ to }) => !/\.\w+$/.test(to)).map(({ to }) => `${path} -> ${to}`),
    )
    expect(odd).toEqual([])
  })
})
