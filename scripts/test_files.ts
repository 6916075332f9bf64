/** Which test files run: all, those that the arguments name, or the quick ones; and which share a process. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

/** These folders start browsers, clusters and many processes: their files run one after the other. */
const alone = ['tests/operations/', 'tests/browser/', 'tests/clients/', 'tests/documents/']

export const runsAlone = (file: string): boolean => alone.some((folder) => file.startsWith(folder))

const quickPlaces = [
  'tests/architecture.test.ts',
  'tests/unit/',
  'tests/golden/',
  'tests/vectors/',
  'tests/flows/',
]
/** What a test takes that runs in one process, on the memory store, with a clock that it turns. */
const quickSupport = ['client', 'flow', 'person', 'provider']

/**
 * The rule of `--quick`: a file of `quickPlaces` that takes nothing but `quickSupport` of tests/support, starts no
 * process and no server, and waits for no time to pass.
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
  /** Parts of paths; all files when there is none. */
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

/** One process a file, so that what one leaves behind reaches no other. Quick files share one, which saves half. */
export function processes(files: readonly string[], quick: boolean): string[][] {
  const size = quick ? 6 : 1
  return Array.from({ length: Math.ceil(files.length / size) }, (_, i) =>
    files.slice(i * size, (i + 1) * size),
  )
}
