/**
 * Where the processor time of a start goes, module by module: `bun bench/start.ts [--starts 15] [--modules 15]`. Builds a
 * binary that notes the time after each module and each step of `serve`, starts it, and prints lower quartiles. See README.md.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { buildBinary } from '../scripts/build.ts'
import { freePort } from './child.ts'
import { selfEnvironment } from './providers.ts'

const { values } = parseArgs({
  options: { starts: { type: 'string', default: '15' }, modules: { type: 'string', default: '15' } },
})
const root = resolve(import.meta.dir, '..')
const directory = mkdtempSync(join(tmpdir(), 'latchkey-start-'))

/** Steps of src/cli/serve.ts: the text before which the step has ended. */
const steps: readonly (readonly [before: string, step: string])[] = [
  ['let { config, environment', 'streams'],
  ['const file = logFileOf', '.env and configuration'],
  ['const ring = await openKeys', 'store and log'],
  ["if (config.environment === 'development')", 'keys'],
  ['let app: App', 'demo accounts and key files'],
  ['if (config.port === 0)', 'socket'],
  ['timers = startTimers', 'table and application'],
  ['const stop = async', 'welcome'],
]

function marked(path: string): string {
  let text = readFileSync(path, 'utf8')
  const name = relative(root, path)
  if (name === 'src/cli/serve.ts')
    for (const [before, step] of steps) {
      if (!text.includes(before))
        throw new Error(`${name} has no ${before}: correct the steps in bench/start.ts`)
      text = text.replace(before, () => `;globalThis.evaluated('step ${step}')\n${before}`)
    }
  if (name === 'src/main.ts')
    return text.replace(
      'const args',
      `import ${JSON.stringify(join(import.meta.dir, 'start_marks.ts'))}\nconst args`,
    )
  return `${text}\n;globalThis.evaluated?.(${JSON.stringify(name)});\n`
}

const binary = await buildBinary({
  outfile: join(directory, 'latchkey'),
  plugins: [
    {
      name: 'marks',
      setup(build) {
        build.onLoad({ filter: /\/src\/.*\.ts$/ }, ({ path }) => ({ contents: marked(path), loader: 'ts' }))
      },
    },
  ],
})

type Marks = readonly (readonly [name: string, ms: number])[]

async function start(after: number): Promise<Marks> {
  const file = join(directory, 'marks.json')
  const port = await freePort()
  const child = Bun.spawn([binary, 'serve'], {
    cwd: directory, // the keys stay there
    env: { ...selfEnvironment('opaque', port), MARKS: file, MARKS_AFTER: `${after}` },
    stdout: 'ignore',
    stderr: 'inherit',
  })
  await child.exited
  return JSON.parse(readFileSync(file, 'utf8')) as Marks
}

const took = new Map<string, number[]>()
await start(3000) // makes the keys
for (let i = 0; i < Number(values.starts); i++) {
  let before = 0
  for (const [name, ms] of await start(500)) {
    took.set(name, [...(took.get(name) ?? []), ms - before])
    before = ms
  }
}
rmSync(directory, { recursive: true })

const quartile = (numbers: readonly number[]): number =>
  numbers.toSorted((a, b) => a - b)[numbers.length >> 2]!
const rows = [...took].map(([name, numbers]) => [name, quartile(numbers)] as const)
const table = (heading: string, lines: readonly (readonly [string, number])[]) =>
  console.log(
    [
      `\n| ${heading} | ms |`,
      '| --- | ---: |',
      ...lines.map(([name, ms]) => `| ${name} | ${ms.toFixed(2)} |`),
    ].join('\n'),
  )
const isModule = ([name]: readonly [string, number]) => name.startsWith('src/')
const modules = rows.filter(isModule).toSorted(([, a], [, b]) => b - a)
// The first module ends when the file of the bundle has been read and the modules of the runtime have been loaded.
const first = rows.find(isModule)!
const rooms = Map.groupBy(
  modules.filter((each) => each[0] !== first[0]),
  ([name]) => name.split('/').slice(0, 2).join('/'),
)
const sum = (lines: readonly (readonly [string, number])[]) => lines.reduce((total, [, ms]) => total + ms, 0)
const steady = rows.filter((each) => !isModule(each) && each[0] !== '(this measurement)')
table('step', [
  steady[0]!,
  ['reading the bundle, node:fs, node:crypto, node:url', first[1]],
  [`evaluating ${modules.length} modules`, sum(modules) - first[1]],
  ...steady.slice(1),
  ['all', sum(rows) - took.get('(this measurement)')![0]!],
])
table(
  'room',
  [...rooms]
    .map(([room, own]) => [`${room} (${own.length})`, sum(own)] as const)
    .toSorted(([, a], [, b]) => b - a),
)
table('module', modules.filter((each) => each[0] !== first[0]).slice(0, Number(values.modules)))
