/** Chooses the test files that run (all, those in the arguments, or the quick ones) and those that share a process. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

/**
 * These folders start browsers, clusters and many processes. The files of one lane run one after the other, and two lanes run
 * at once. The commands of documents and operations listen at port 5000, so both are in one lane.
 */
const lanes = [
  ['tests/operations/', 'tests/documents/'],
  ['tests/browser/', 'tests/clients/', 'tests/attack_lab/'],
]

const laneOf = (file: string): number =>
  lanes.findIndex((folders) => folders.some((folder) => file.startsWith(folder)))

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

/** Paths below `root`, in order. */
export function chooseFiles(root: string, { quick, patterns }: Choice): string[] {
  const wanted = patterns.map((pattern) => pattern.replace(/^\.\//, ''))
  return [...new Bun.Glob('tests/**/*.test.ts').scanSync({ cwd: root })]
    .filter((file) => wanted.length === 0 || wanted.some((pattern) => file.includes(pattern)))
    .filter((file) => !quick || isQuick(root, file))
    .sort()
}

/** One process for each file, so that no file affects another. Quick files share one, which takes half the time. */
export function processes(files: readonly string[], quick: boolean): string[][] {
  const size = quick ? 6 : 1
  return Array.from({ length: Math.ceil(files.length / size) }, (_, i) =>
    files.slice(i * size, (i + 1) * size),
  )
}
