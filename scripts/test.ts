/**
 * `bun run test`: fetches what the tests need, runs all of them, and ends with `N passed, N failed`. A missing
 * backend, a skipped test, a crash or a file without tests is a failure. Arguments choose files, as in
 * `bun run test tests/flows`. https://bun.com/docs/test
 */
import { existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { prepareBackends } from './test_backends.ts'

const root = join(import.meta.dir, '..')

/** Browsers, process herds and stopwatches: these files run one after the other, with the machine to themselves. */
const alone = ['tests/operations/', 'tests/browser/', 'tests/clients/', 'tests/documents/']

interface Count {
  passed: number
  failed: number
}

function testFiles(patterns: readonly string[]): string[] {
  const all = [...new Bun.Glob('tests/**/*.test.ts').scanSync({ cwd: root })].sort()
  return patterns.length === 0
    ? all
    : all.filter((file) => patterns.some((each) => file.includes(each.replace(/^\.\//, ''))))
}

/** Runs `files` in `workers` processes; a worker's crash is caught by the others. Says what went wrong beside failed tests. */
async function run(files: readonly string[], workers: number, report: string): Promise<Count> {
  if (files.length === 0) return { passed: 0, failed: 0 }
  const bun = Bun.spawn(
    [
      ...[process.execPath, 'test', `--parallel=${workers}`, '--timeout=30000', '--no-orphans'],
      ...['--reporter=junit', `--reporter-outfile=${report}`, '--only-failures'],
      ...files.map((file) => `./${file}`),
    ],
    // Without `env` a child gets what this process was started with.
    { cwd: root, env: process.env, stdio: ['ignore', 'inherit', 'inherit'] },
  )
  const exitCode = await bun.exited
  const problem = (text: string) => process.stdout.write(`${text}\n`)
  if (!existsSync(report)) {
    problem(`bun test ended with ${bun.signalCode ?? exitCode} and no report`)
    return { passed: 0, failed: files.length }
  }
  const { tests, failures, skipped, reported } = readReport(readFileSync(report, 'utf8'))
  const silent = files.filter((file) => !reported.has(file))
  for (const file of silent) problem(`${file}: could not be loaded, or has no tests`)
  if (skipped > 0) problem(`${skipped} tests were skipped: a test that does not run proves nothing`)
  let failed = failures + skipped + silent.length
  if (exitCode !== 0 && failed === 0) {
    problem(`bun test ended with ${bun.signalCode ?? exitCode}`)
    failed = 1
  }
  return { passed: tests - failures - skipped, failed }
}

/** Totals and files of a JUnit report. Throws when it is not the shape that we know: better red than wrong. */
function readReport(xml: string) {
  const total = /<testsuites [^>]*>/.exec(xml)?.[0] ?? ''
  const number = (name: string): number => {
    const value = new RegExp(` ${name}="(\\d+)"`).exec(total)?.[1]
    if (value === undefined) throw new Error(`the test report does not say ${name}`)
    return Number(value)
  }
  return {
    tests: number('tests'),
    failures: number('failures'),
    skipped: number('skipped'),
    reported: new Set(
      [...xml.matchAll(/^ {2}<testsuite name="[^"]*" file="([^"]+)"/gm)].map((found) => found[1]),
    ),
  }
}

function installPackages(): void {
  const { exitCode } = Bun.spawnSync([process.execPath, 'install', '--frozen-lockfile'], {
    cwd: root,
    stdio: ['ignore', 'inherit', 'inherit'],
  })
  if (exitCode !== 0) throw new Error('the packages of bun.lock could not be installed')
}

async function main(patterns: readonly string[]): Promise<Count> {
  installPackages()
  const missing = prepareBackends()
  for (const line of missing) process.stdout.write(`${line}\n`)
  const files = testFiles(patterns)
  if (files.length === 0) throw new Error(`no test file matches ${patterns.join(' ')}`)
  const quiet = files.filter((file) => !alone.some((folder) => file.startsWith(folder)))
  const loud = files.filter((file) => alone.some((folder) => file.startsWith(folder)))
  const folder = mkdtempSync(join(tmpdir(), 'latchkey-tests-'))
  // Tests call `bun` by name: it shall be this one, also when it came through npx and is on no PATH.
  symlinkSync(process.execPath, join(folder, 'bun'))
  process.env.PATH = [folder, process.env.PATH].join(delimiter)
  process.env.TEST_PORTS = join(folder, 'ports') // tests/support/free_port.ts
  try {
    const counts = [
      await run(quiet, Math.min(4, availableParallelism()), join(folder, 'quiet.xml')),
      await run(loud, 1, join(folder, 'loud.xml')),
    ]
    return {
      passed: counts.reduce((sum, { passed }) => sum + passed, 0),
      failed: counts.reduce((sum, { failed }) => sum + failed, missing.length),
    }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

const { passed, failed } = await main(process.argv.slice(2)).catch((error: Error) => {
  process.stdout.write(`${error.message}\n`)
  return { passed: 0, failed: 1 }
})
process.exitCode = failed === 0 && passed > 0 ? 0 : 1
process.stdout.write(`${passed} passed, ${failed} failed\n`)
