/** What a release has: scripts/release.ts for the target of this machine, and the npm package that `bunx latchkey serve` runs. */
import { afterAll, describe, expect, setDefaultTimeout, test } from 'bun:test'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import manifest from '../../package.json' with { type: 'json' }
import { clientCredentials, codeFor, good, redeem, visitor } from '../support/journey.ts'
import { spawnProvider } from '../support/provider.ts'

setDefaultTimeout(240_000)

const root = join(import.meta.dir, '../..')
const folder = mkdtempSync(join(tmpdir(), 'latchkey-release-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const { version } = manifest

function run(command: string[], cwd = root) {
  const { exitCode, stdout, stderr } = Bun.spawnSync(command, {
    cwd,
    env: { PATH: process.env.PATH, HOME: process.env.HOME, npm_config_update_notifier: 'false' },
  })
  return { exitCode, stdout: stdout.toString(), stderr: stderr.toString() }
}
const release = (...args: string[]) => run(['bun', 'scripts/release.ts', ...args])

describe('scripts/release.ts', () => {
  test('makes a binary that runs, its checksums and its SBOM', () => {
    const out = join(folder, 'out')
    const target = `linux-${process.arch}`
    const made = release('--target', target, '--out', out)
    expect(made.exitCode, made.stderr).toBe(0)
    const names = [`latchkey-${version}-${target}`, `latchkey-${version}.cdx.json`]
    expect(readdirSync(out).sort()).toEqual(['SHA256SUMS', ...names].sort())
    expect(run([join(out, names[0]!), 'version'], out).stdout).toStartWith(`latchkey ${version} (`)
    const sums = readFileSync(join(out, 'SHA256SUMS'), 'utf8')
    expect(
      sums
        .trim()
        .split('\n')
        .map((line) => line.split('  ')[1]!),
    ).toEqual(names)
    expect(run(['sha256sum', '--check', '--strict', 'SHA256SUMS'], out).exitCode).toBe(0)
    writeFileSync(join(out, names[1]!), '{}')
    expect(run(['sha256sum', '--check', '--strict', 'SHA256SUMS'], out).exitCode).toBe(1)
  })

  test('refuses a tag of another version and a target that there is not, and says what was expected', () => {
    const tag = release('--tag', 'v0.0.1', '--out', join(folder, 'none'))
    expect([tag.exitCode, tag.stderr]).toEqual([1, expect.stringContaining(`expected v${version}`)])
    const target = release('--target', 'plan9', '--out', join(folder, 'none'))
    expect([target.exitCode, target.stderr]).toEqual([1, expect.stringContaining('linux-arm64-musl')])
    expect(readdirSync(folder)).not.toContain('none')
  })
})

describe('the npm package', () => {
  const packed = run(['npm', 'pack', '--json', '--pack-destination', folder])
  const [{ filename, files }] = JSON.parse(packed.stdout) as [{ filename: string; files: { path: string }[] }]

  test('has what runs, and nothing of the tests or of this machine', () => {
    const places = new Set(files.map(({ path }) => path.split('/')[0]!))
    expect([...places].sort()).toEqual(
      ['CHANGELOG.md', 'LICENSE', 'README.md', 'kits', 'languages', 'package.json', 'src', 'views'].sort(),
    )
    expect(files.filter(({ path }) => /\.(?:env|db|pem|key|test\.ts)$/.test(path))).toEqual([])
  })

  test('`bunx latchkey serve` from the tarball serves a whole sign-in', async () => {
    const project = join(folder, 'project')
    mkdirSync(project)
    writeFileSync(join(project, 'package.json'), '{ "private": true }')
    const added = run(['bun', 'add', join(folder, filename)], project)
    expect(added.exitCode, added.stderr).toBe(0)
    expect(run(['bun', 'x', 'latchkey', 'version'], project).stdout).toStartWith(`latchkey ${version} (`)
    const command = ['sh', '-c', 'cd "$0" && exec bun x latchkey serve', project]
    const op = await spawnProvider({ NODE_ENV: 'development' }, command)
    try {
      const journey = { issuer: op.issuer, fetch }
      await good(clientCredentials(journey))
      const tokens = await good(redeem(journey, await codeFor(journey, visitor(journey))))
      expect(tokens.id_token).toBeString()
    } finally {
      await op.stop()
    }
  })
})
