/** Runs test files in a separate process and reads the report. https://bun.com/docs/test/reporters */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

export interface Outcome {
  files: readonly string[]
  passed: number
  failed: number
  /** The text about failures; empty when all passed. */
  problems: string
}

interface Report {
  tests: number
  failures: number
  skipped: number
  files: ReadonlySet<string | undefined>
}

/** A file that takes longer counts as hanging. No file needs nearly as long, even on a busy machine. */
const patienceMs = 20 * 60_000

/** The paths of `files` are relative to `root`. The report is written to `folder`. */
export async function runFiles(
  files: readonly string[],
  { root, folder }: { root: string; folder: string },
): Promise<Outcome> {
  const report = join(folder, `${Bun.randomUUIDv7()}.xml`)
  const bun = Bun.spawn(
    [
      ...[process.execPath, 'test', '--timeout=60000', '--no-orphans', '--only-failures'],
      ...['--reporter=junit', `--reporter-outfile=${report}`, ...files.map((file) => `./${file}`)],
    ],
    {
      cwd: root,
      env: process.env, // without it the child gets the environment of the start of this process
      stdio: ['ignore', 'ignore', 'pipe'], // mails and logs are on stdout, failures on stderr
      timeout: patienceMs,
      killSignal: 'SIGKILL',
    },
  )
  const [said, exitCode] = await Promise.all([new Response(bun.stderr).text(), bun.exited])
  const ended = `bun test ended with ${bun.signalCode ?? exitCode}`
  return existsSync(report)
    ? outcome(files, readReport(readFileSync(report, 'utf8')), said, exitCode === 0 ? undefined : ended)
    : {
        files,
        passed: 0,
        failed: files.length,
        problems: `${said}${ended} and no report: ${files.join(' ')}\n`,
      }
}

function outcome(files: readonly string[], report: Report, said: string, ended: string | undefined): Outcome {
  const { tests, failures, skipped } = report
  const silent = files.filter((file) => !report.files.has(file))
  const failed = failures + skipped + silent.length
  const problems = [
    ...silent.map((file) => `${file}: could not be loaded, or has no tests`),
    ...(skipped > 0 ? [`${skipped} tests were skipped: a test that does not run proves nothing`] : []),
    ...(ended && failed === 0 ? [ended] : []),
  ]
  const all = ended || failed > 0 ? [failuresIn(said), ...problems].join('\n') : ''
  return {
    files,
    passed: tests - failures - skipped,
    failed: failed === 0 && ended ? 1 : failed,
    problems: all && `${all.trim()}\nmore of it: bun test ${files.join(' ')}\n`,
  }
}

/** The output of `bun test`, without its totals. */
const failuresIn = (said: string): string => said.replace(/(?:^|\n) *\d+ pass\n[\s\S]*$/, '\n').trim()

/** Totals and files of a JUnit report. Throws for an unknown format, so that the run fails. */
export function readReport(xml: string): Report {
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
    files: new Set(
      [...xml.matchAll(/^ {2}<testsuite name="[^"]*" file="([^"]+)"/gm)].map((found) => found[1]),
    ),
  }
}
