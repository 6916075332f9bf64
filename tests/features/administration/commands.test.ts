/** `latchkey admin …` makes and removes administrators, and leaves an owner. docs/administration.md */
import { afterAll, expect, test } from 'bun:test'
import { join } from 'node:path'
import { commandLine } from '../../support/command.ts'

const line = commandLine({
  NODE_ENV: 'development',
  STORE_URL: 'sqlite:latchkey.db',
  STORE_TIMEOUT_MS: '30000',
})
afterAll(() => line.remove())

const password = 'correct horse battery'
const run = (...args: string[]) => line.latchkey(args, password)
const list = () =>
  line.json<{ username: string; administration_role: string; disabled: boolean }[]>('admin', 'list', '--json')

test('grant, list and revoke; an owner is neither revoked, disabled nor removed while there is no other', async () => {
  for (const name of ['anna', 'ben'])
    expect((await run('user', 'add', name, '--password-stdin')).code).toBe(0)
  expect((await run('admin', 'list')).stdout).toContain('there are no administrators')
  const odd = await run('admin', 'grant', 'anna', '--role', 'boss')
  expect([odd.code, odd.stderr]).toEqual([2, expect.stringContaining('owner, operator, support, auditor')])
  expect((await run('admin', 'grant', 'anna')).stdout).toContain('anna has the role owner')
  expect((await run('admin', 'grant', 'ben', '--role', 'support')).code).toBe(0)
  expect(await list()).toMatchObject([
    { username: 'anna', administration_role: 'owner', disabled: false },
    { username: 'ben', administration_role: 'support', disabled: false },
  ])
  for (const args of [
    ['admin', 'revoke', 'anna'],
    ['admin', 'revoke', 'anna', '--dry-run'],
    ['admin', 'grant', 'anna', '--role', 'auditor'],
    ['user', 'disable', 'anna'],
    ['user', 'remove', 'anna', '--yes'],
  ]) {
    const { code, stderr } = await run(...args)
    expect([args.join(' '), code]).toEqual([args.join(' '), 1])
    expect(stderr).toContain('anna is the last owner of the administration; nothing was changed')
  }
  expect((await run('admin', 'grant', 'ben')).code).toBe(0)
  expect((await run('user', 'disable', 'anna')).code).toBe(0)
  const last = await run('admin', 'revoke', 'ben')
  expect([last.code, last.stderr]).toEqual([1, expect.stringContaining('ben is the last owner')])
  expect(await list()).toMatchObject([{ username: 'anna', disabled: true }, { username: 'ben' }])
  expect((await run('user', 'enable', 'anna')).code).toBe(0)
  const dry = await run('admin', 'revoke', 'ben', '--dry-run')
  expect([dry.code, dry.stdout]).toEqual([0, expect.stringContaining('would lose the role owner')])
  expect((await run('admin', 'revoke', 'ben')).stdout).toContain('ben has no role')
  expect((await run('admin', 'revoke', 'ben')).stderr).toContain('ben has no role')
  expect(await Bun.file(join(line.folder, 'latchkey.db')).exists()).toBe(true)
}, 240_000)
