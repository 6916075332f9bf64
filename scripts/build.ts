/** Makes dist/latchkey: one binary with the views, the stylesheet and the version inside. https://bun.com/docs/bundler/executables */
import { rmSync, statSync } from 'node:fs'
import { join } from 'node:path'

const root = join(import.meta.dir, '..')

export interface BinaryOptions {
  outfile?: string
  /** e.g. `bun-linux-arm64-musl`; this machine's when absent. */
  target?: Bun.Build.CompileTarget
}

/** Path of the new binary. Throws an AggregateError that says where the source is wrong. */
export async function buildBinary({
  outfile = join(root, 'dist/latchkey'),
  target,
}: BinaryOptions = {}): Promise<string> {
  rmSync(outfile, { force: true }) // a running one keeps its file, and the new one gets another
  await Bun.build({
    entrypoints: [join(root, 'src/main.ts')],
    minify: true,
    // Parsed ahead of time: ready after 25 ms instead of 45. Top-level await needs the ESM form.
    bytecode: true,
    // What is imported when it is first used stays out of what a start reads: 30 ms of mail, passkeys and the like.
    splitting: true,
    format: 'esm',
    compile: {
      outfile,
      ...(target && { target }),
      // Settings come from the environment and .env; a bunfig.toml that lies about could preload code.
      autoloadBunfig: false,
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
