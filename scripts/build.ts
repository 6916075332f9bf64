/** Makes dist/latchkey: one binary with the views, the stylesheet, the version and the commit inside. https://bun.com/docs/bundler/executables */
import { rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import '../src/table.ts' // defines all views
import { compileViews } from '../src/html/view.ts'

const root = join(import.meta.dir, '..')

export interface BinaryOptions {
  outfile?: string
  /** For example `bun-linux-arm64-musl`. Default: that of this machine. */
  target?: Bun.Build.CompileTarget
  /** For bench/start.ts. */
  plugins?: Bun.BunPlugin[]
  /** Default: the commit of these sources. `source` is for tests alone: a binary that behaves as the sources do (src/version.ts). */
  commit?: string
}

/** The commit of these sources, with `+` when files differ from it; COMMIT in the environment where there is no repository. */
function commitOf(): string {
  if (process.env.COMMIT && process.env.COMMIT !== 'source') return process.env.COMMIT.slice(0, 12)
  const git = (...args: string[]) => Bun.spawnSync(['git', ...args], { cwd: root, stderr: 'ignore' })
  if (Bun.which('git') === null) return 'unknown'
  const head = git('rev-parse', '--short=12', 'HEAD')
  if (head.exitCode !== 0) return 'unknown'
  const changed = git('status', '--porcelain', '--untracked-files=no').stdout.length > 0
  return `${head.stdout.toString().trim()}${changed ? '+' : ''}`
}

/** Returns the path of the new binary. Throws an AggregateError with the faults of the source, or an Error for a view that does not compile. */
export async function buildBinary({
  outfile = join(root, 'dist/latchkey'),
  target,
  plugins = [],
  commit = commitOf(),
}: BinaryOptions = {}): Promise<string> {
  compileViews()
  rmSync(outfile, { force: true }) // removed first: a running process keeps the old file
  await Bun.build({
    entrypoints: [join(root, 'src/main.ts')],
    minify: true,
    plugins,
    define: { LATCHKEY_COMMIT: JSON.stringify(commit) },
    // Parsed ahead of time: ready after 25 ms instead of 45. Top-level await needs the ESM form.
    bytecode: true,
    // Modules that are imported at their first use are not read at the start, which saves 30 ms.
    splitting: true,
    format: 'esm',
    compile: {
      outfile,
      ...(target && { target }),
      // A bunfig.toml in the working directory could preload code.
      autoloadBunfig: false,
      // src/config/dotenv.ts reads .env: Bun replaces `$` in values, and takes a file that it cannot read for absent.
      autoloadDotenv: false,
    },
  })
  return outfile
}

if (import.meta.main) {
  const started = performance.now()
  const [outfile, target] = process.argv.slice(2)
  const path = await buildBinary({
    ...(outfile && { outfile }),
    ...(target && { target: target as Bun.Build.CompileTarget }),
  })
  const size = (statSync(path).size / 1e6).toFixed(0)
  process.stdout.write(`${path}: ${size} MB in ${Math.round(performance.now() - started)} ms\n`)
}
