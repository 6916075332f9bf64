/**
 * `bun run test`: installs what the tests need, runs all of them, and ends with `N passed, N failed`. A missing
 * program, a skipped test, a crash or a file without tests is a failure. `bun run test tests/flows` chooses files;
 * `bun run test --quick` runs those that answer within 20 seconds. https://bun.com/docs/test
 */
import { mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { parseArgs } from 'node:util'
import { prepareBackends } from './test_backends.ts'
import { chooseFiles, inLanes, processes } from './test_files.ts'
import { progress } from './test_progress.ts'
import { runFiles } from './test_run.ts'

const root = join(import.meta.dir, '..')
const write = (text: string): void => void process.stdout.write(text)

/** Throws `problem` with what it wrote when it fails. */
function bun(args: readonly string[], problem: string): void {
  const { exitCode, stderr } = Bun.spawnSync([process.execPath, ...args], {
    cwd: root,
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  if (exitCode !== 0) throw new Error(`${problem}\n${stderr.toString()}`)
}

function installPackages(): void {
  write('installing the packages of bun.lock\n')
  bun(['install', '--frozen-lockfile', '--silent'], 'the packages of bun.lock could not be installed')
}

/** Tests start them many hundred times. */
function buildBinaries(folder: string): void {
  write('building the binaries that tests start\n')
  bun(['scripts/test_binaries.ts', folder], 'the binaries could not be built')
  process.env.TEST_BINARIES = folder // tests/support/latchkey_command.ts
}

async function main(args: readonly string[]): Promise<{ passed: number; failed: number }> {
  const { values, positionals } = parseArgs({
    args: [...args],
    options: { quick: { type: 'boolean', default: false } },
    allowPositionals: true,
  })
  const { quick } = values
  const files = chooseFiles(root, { quick, patterns: positionals })
  if (files.length === 0) throw new Error(`no test file matches ${args.join(' ')}`)
  installPackages()
  const missing = quick ? [] : prepareBackends()
  for (const line of missing) write(`${line}\n`)
  const folder = mkdtempSync(join(tmpdir(), 'latchkey-tests-'))
  // Tests call `bun` by name. This adds the running bun to PATH, because npx does not.
  symlinkSync(process.execPath, join(folder, 'bun'))
  process.env.PATH = [folder, process.env.PATH].join(delimiter)
  process.env.TEST_PORTS = join(folder, 'ports') // tests/support/free_port.ts
  const shown = progress(files.length, process.stdout.isTTY, write)
  const { free, lanes } = inLanes(files)
  const shared = processes(free, quick)
  /** Runs its lane, then takes of the shared ones. */
  const worker = async (lane: string[][]) => {
    for (let next = lane.shift() ?? shared.shift(); next; next = lane.shift() ?? shared.shift())
      shown.finished(await runFiles(next, { root, folder }))
  }
  try {
    if (!quick) buildBinaries(folder)
    const workers = Math.max(lanes.length, Math.min(4, availableParallelism() + 1)) // tests wait for the processes that they start
    const queues = lanes.map((lane) => processes(lane, quick))
    await Promise.all(Array.from({ length: workers }, (_, i) => worker(queues[i] ?? [])))
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
  const { passed, failed } = shown.total()
  return { passed, failed: failed + missing.length }
}

const { passed, failed } = await main(process.argv.slice(2)).catch((error: Error) => {
  write(`${error.message}\n`)
  return { passed: 0, failed: 1 }
})
process.exitCode = failed === 0 && passed > 0 ? 0 : 1
write(`${passed} passed, ${failed} failed\n`)
