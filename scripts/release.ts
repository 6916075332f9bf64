/**
 * `bun scripts/release.ts [--tag v1.2.3] [--target NAME …] [--out FOLDER]` makes what a release has, in dist/release: a
 * binary for each target, the SBOM, and SHA256SUMS over all of them. Without --target: every target.
 */
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { parseArgs } from 'node:util'
import { version } from '../src/version.ts'
import { buildBinary } from './build.ts'

const root = join(import.meta.dir, '..')

/** The names that a release shows, and the runtime that is put into the binary. */
const targets: Readonly<Record<string, Bun.Build.CompileTarget>> = {
  'linux-x64': 'bun-linux-x64',
  'linux-x64-musl': 'bun-linux-x64-musl',
  'linux-arm64': 'bun-linux-arm64',
  'linux-arm64-musl': 'bun-linux-arm64-musl',
  'macos-x64': 'bun-darwin-x64',
  'macos-arm64': 'bun-darwin-arm64',
  'windows-x64': 'bun-windows-x64',
}

/** Throws for a tag that is not this version, or a version that CHANGELOG.md does not have, or whose data were not kept. */
function requireTag(tag: string): void {
  if (tag !== `v${version}`)
    throw new Error(
      `the tag is ${tag} and package.json has ${version}: expected v${version}. Change the version, or tag another commit`,
    )
  if (!readFileSync(join(root, 'CHANGELOG.md'), 'utf8').includes(`\n## ${version}`))
    throw new Error(`CHANGELOG.md has no section "## ${version}": give "Unreleased" that number first`)
  if (!existsSync(join(root, 'tests/fixtures/data', version, 'sqlite.json')))
    throw new Error(
      `tests/fixtures/data/${version} is missing, which later versions are tested on: run bun scripts/keep_data.ts, and commit it`,
    )
}

function sbom(): string {
  const { exitCode, stdout, stderr } = Bun.spawnSync([process.execPath, join(root, 'scripts/sbom.ts')])
  if (exitCode !== 0) throw new Error(`scripts/sbom.ts: ${stderr}`)
  return stdout.toString()
}

const { values } = parseArgs({
  options: {
    tag: { type: 'string' },
    target: { type: 'string', multiple: true },
    out: { type: 'string', default: join(root, 'dist/release') },
  },
})
const wanted = values.target ?? Object.keys(targets)
try {
  const unknown = wanted.filter((name) => targets[name] === undefined)
  if (unknown.length > 0)
    throw new Error(`--target: got ${unknown.join(', ')}, expected one of ${Object.keys(targets).join(', ')}`)
  if (values.tag !== undefined) requireTag(values.tag)
  rmSync(values.out, { recursive: true, force: true })
  mkdirSync(values.out, { recursive: true })
  const files: string[] = []
  for (const name of wanted) {
    const ending = name.startsWith('windows') ? '.exe' : ''
    const outfile = join(values.out, `latchkey-${version}-${name}${ending}`)
    files.push(await buildBinary({ outfile, target: targets[name]! }))
    process.stdout.write(`${outfile}\n`)
  }
  const list = join(values.out, `latchkey-${version}.cdx.json`)
  writeFileSync(list, sbom())
  files.push(list)
  const sums = files.map((file) => {
    const sum = createHash('sha256').update(readFileSync(file)).digest('hex')
    return `${sum}  ${basename(file)}\n`
  })
  writeFileSync(join(values.out, 'SHA256SUMS'), sums.join(''))
} catch (error) {
  process.stderr.write(`release: ${(error as Error).message}\n`)
  process.exit(1)
}
