/** Chooses the test files that run (all, those in the arguments, or the quick ones) and those that share a process. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

/**
 * These folders start browsers, clusters and many processes. The files of one lane run one after the other, beside the other lane
 * and free files. Commands of documents and operations listen at port 5000, so both are in one lane; free files listen at `freePort()`.
 */
const lanes = [
  ['tests/operations/', 'tests/documents/'],
  ['tests/browser/', 'tests/clients/', 'tests/attack_lab/'],
]

const laneOf = (file: string): number =>
  lanes.findIndex((folders) => folders.some((folder) => file.startsWith(folder)))

/** Files of minutes, the longest first: they begin first, so that no processor waits for the last one. */
export const longest: readonly string[] = [
  'tests/operations/sealing.test.ts',
  'tests/flows/command_line.test.ts',
  'tests/issues/changes_stop_safely.test.ts',
  'tests/documents/course.test.ts',
  'tests/issues/factors_and_connections_stop_safely.test.ts',
  'tests/issues/operators_and_answers_stop_safely.test.ts',
  'tests/issues/nothing_outlives_an_end.test.ts',
  'tests/operations/migrate.test.ts',
  'tests/clients/try_client.test.ts',
  'tests/operations/moving.test.ts',
  'tests/clients/kit_applications.test.ts',
  'tests/issues/lost_passkeys_have_a_way_back.test.ts',
  'tests/issues/every_setting_is_tried.test.ts',
  'tests/flows/command_line_realms.test.ts',
  'tests/browser/admin.test.ts',
  'tests/browser/accessibility.test.ts',
]

const rankOf = (file: string): number => {
  const rank = longest.indexOf(file)
  return rank < 0 ? longest.length : rank
}

/** The files that run a few at a time, and those of each lane. */
export const inLanes = (files: readonly string[]): { free: string[]; lanes: string[][] } => ({
  free: files.filter((file) => laneOf(file) < 0),
  lanes: lanes.map((_, lane) => files.filter((file) => laneOf(file) === lane)),
})

const quickPlaces = [
  'tests/architecture.test.ts',
  'tests/unit/',
  'tests/golden/',
  'tests/vectors/',
  'tests/flows/',
]
/** Support files of tests that run in one process, with the memory store and a clock that the test sets. */
const quickSupport = ['client', 'flow', 'person', 'provider']

/**
 * The rule of `--quick`: a file in `quickPlaces` that imports only `quickSupport` of tests/support, starts no process and
 * no server, and does not wait for time to pass.
 */
function isQuick(root: string, file: string): boolean {
  if (!quickPlaces.some((place) => file.startsWith(place))) return false
  const text = readFileSync(join(root, file), 'utf8')
  const support = [...text.matchAll(/\/support\/(\w+)\.ts'/g)].map(([, name = '']) => name)
  const slow = /\bBun\.(?:spawn|serve|sleep)|\bspawnProvider\b|'node:(?:net|http|tls|child_process)'/
  return support.every((name) => quickSupport.includes(name)) && !slow.test(text)
}

export interface Choice {
  quick: boolean
  /** Parts of paths. Empty: all files. */
  patterns: readonly string[]
}

/** Paths below `root`: the longest files, then by name. */
export function chooseFiles(root: string, { quick, patterns }: Choice): string[] {
  const wanted = patterns.map((pattern) => pattern.replace(/^\.\//, ''))
  return [...new Bun.Glob('tests/**/*.test.ts').scanSync({ cwd: root })]
    .filter((file) => wanted.length === 0 || wanted.some((pattern) => file.includes(pattern)))
    .filter((file) => !quick || isQuick(root, file))
    .sort()
    .sort((a, b) => rankOf(a) - rankOf(b)) // stable
}

/** One process for each file, so that no file affects another. Quick files share one, which takes half the time. */
export function processes(files: readonly string[], quick: boolean): string[][] {
  const size = quick ? 6 : 1
  return Array.from({ length: Math.ceil(files.length / size) }, (_, i) =>
    files.slice(i * size, (i + 1) * size),
  )
}
