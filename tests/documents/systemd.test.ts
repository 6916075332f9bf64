/** deploy/latchkey.service and the commands of docs/deployment.md that install it. */
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, describe, expect, test } from 'bun:test'
import { commandLine } from '../support/command.ts'
import { blocksOf, document, root } from '../support/document.ts'
import { latchkeyCommand } from '../support/latchkey_command.ts'

const folder = mkdtempSync(join(tmpdir(), 'latchkey-systemd-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const path = join(root, 'deploy/latchkey.service')
const unit = readFileSync(path, 'utf8')

/** The settings of the unit, by section and name. */
const settings = new Map<string, string[]>()
let section = ''
for (const line of unit.split('\n')) {
  if (line === '' || line.startsWith('#')) continue
  section = /^\[(\w+)\]$/.exec(line)?.[1] ?? section
  const [, name, value] = /^([A-Z]\w+)=(.*)$/.exec(line) ?? []
  if (name === undefined) {
    if (!line.startsWith('[')) throw new Error(`no setting of a unit: ${line}`)
  } else settings.set(`${section}.${name}`, [...(settings.get(`${section}.${name}`) ?? []), value ?? ''])
}

describe('the unit', () => {
  test('runs serve under an account of its own and restarts it', () => {
    const service = (name: string) => settings.get(`Service.${name}`)
    expect(service('ExecStart')).toEqual(['/usr/local/bin/latchkey serve'])
    expect([service('User'), service('Restart')]).toEqual([['latchkey'], ['on-failure']])
    expect(service('CapabilityBoundingSet')).toEqual([''])
    expect(service('NoNewPrivileges')).toEqual(['yes'])
    expect(settings.get('Install.WantedBy')).toEqual(['multi-user.target'])
  })

  test('gives a stop the time that the configuration has', async () => {
    const line = commandLine()
    const { settings: values } = await line.json<{ settings: Record<string, string> }>(
      'config',
      'check',
      '--json',
    )
    line.remove()
    const production = 1 // SHUTDOWN_DELAY in production
    expect(Number(settings.get('Service.TimeoutStopSec')![0])).toBeGreaterThan(
      Number(values.SHUTDOWN_TIMEOUT) + Math.max(production, Number(values.SHUTDOWN_DELAY)),
    )
  })

  const analyze = Bun.which('systemd-analyze')
  if (analyze === null) throw new Error('systemd-analyze is missing: apt-get install systemd')
  const run = (...args: string[]) => {
    const { stdout, stderr, exitCode } = Bun.spawnSync([analyze, ...args])
    return { text: stdout.toString() + stderr.toString(), exitCode }
  }

  test('is valid and hardened, as systemd itself judges', () => {
    expect(settings.size).toBeGreaterThan(30) // every line was read as a setting
    const copy = join(folder, 'latchkey.service')
    writeFileSync(copy, unit.replace('/usr/local/bin/latchkey serve', '/bin/true'))
    expect(run('verify', copy)).toEqual({ text: '', exitCode: 0 })
    const { text, exitCode } = run('security', '--offline=yes', '--threshold=15', copy)
    expect({ text: exitCode === 0 ? '' : text, exitCode }).toEqual({ text: '', exitCode: 0 })
  })
})

test('the commands of the document install it, and its settings start', async () => {
  const block = blocksOf(document('docs/deployment.md')).find(({ text }) => text.includes('useradd'))!
  const at = (place: string) => join(folder, place)
  for (const each of ['usr/local/bin', 'etc/systemd/system', 'dist', 'deploy', 'bin', 'var/lib/latchkey'])
    mkdirSync(at(each), { recursive: true })
  writeFileSync(at('dist/latchkey'), '')
  writeFileSync(at('deploy/latchkey.service'), unit)
  mkdirSync(at('docs'))
  writeFileSync(at('docs/deployment.md'), document('docs/deployment.md'))
  // Accounts and services of this machine stay as they are.
  for (const name of ['useradd', 'systemctl']) {
    writeFileSync(at(`bin/${name}`), `#!/bin/sh\necho ${name} "$@" >> ${at('calls')}\n`)
    chmodSync(at(`bin/${name}`), 0o755)
  }
  const script = block.text
    .replaceAll(/(?<=[ :])\/(?=usr\/local|etc|var)/g, `${folder}/`)
    .replaceAll(' -g latchkey', '')
  const { exitCode, stderr } = Bun.spawnSync(['bash', '-euc', script], {
    cwd: folder,
    env: { PATH: `${at('bin')}:${process.env.PATH}` },
  })
  expect([stderr.toString(), exitCode]).toEqual(['', 0])
  expect(readFileSync(at('calls'), 'utf8')).toContain('systemctl enable --now latchkey')
  expect(readFileSync(at('etc/systemd/system/latchkey.service'), 'utf8')).toBe(unit)
  const documentation = settings.get('Unit.Documentation')!.map((url) => url.replace('file:/', ''))
  for (const each of documentation)
    expect(readFileSync(at(each), 'utf8')).toBe(document('docs/deployment.md'))
  expect(documentation).toHaveLength(1)
  expect(statSync(at('etc/latchkey/.env')).mode & 0o777).toBe(0o640)
  expect(settings.get('Service.WorkingDirectory')).toEqual(['/etc/latchkey'])
  const checked = Bun.spawnSync([...latchkeyCommand, 'config', 'check', '--deep'], {
    cwd: at('etc/latchkey'),
    env: { PATH: process.env.PATH },
  })
  expect(checked.stdout.toString()).toContain('\nok\n')
  expect(existsSync(dirname(at('var/lib/latchkey/latchkey.db')))).toBe(true)
})
