/**
 * The command `latchkey` as tests start it: a binary that scripts/test.ts built from these sources, which costs a seventh of the
 * processor time of a start from source. `bun test FILE` starts the sources, so it never meets a build that is older than they are.
 */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** A folder; set by scripts/test.ts alone. */
const built = process.env.TEST_BINARIES

/** For a test about the sources or the runtime; `flags` are those of bun, for example `--preload`. */
export const fromSource = (...flags: string[]): string[] => [
  'bun',
  '--no-env-file', // src/config/dotenv.ts reads .env, as in the binary
  ...flags,
  join(import.meta.dir, '../../src/main.ts'),
]

export const latchkeyCommand: readonly string[] =
  built === undefined ? fromSource() : [join(built, 'latchkey_as_source')]

/** The path of the binary as it is released, for a test about it. `bun test FILE` builds it into `folder`. */
export const latchkeyBinary = async (folder: string): Promise<string> =>
  built === undefined
    ? (await import('../../scripts/build.ts')).buildBinary({ outfile: join(folder, 'latchkey') })
    : join(built, 'latchkey')

/** For a shell. */
export const latchkeyWords = latchkeyCommand.map((word) => `'${word}'`).join(' ')

/** Makes `folder`/latchkey, for commands of a document that are run with `folder` in PATH. */
export const putLatchkey = (folder: string): void =>
  writeFileSync(join(folder, 'latchkey'), `#!/bin/sh\nexec ${latchkeyWords} "$@"\n`, { mode: 0o755 })
