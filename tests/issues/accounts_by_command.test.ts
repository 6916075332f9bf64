/** Issue 9, line 38: an operator adds, shows and removes an account by command. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'bun:test'
import { commandLine } from '../support/command.ts'

const line = commandLine({ STORE_URL: 'sqlite:latchkey.db' })
afterAll(line.remove)

type Json = Record<string, unknown>
const password = 'correct horse battery'
const addUser = (name: string, ...more: string[]) =>
  line.latchkey(['user', 'add', name, '--password-stdin', ...more], password)

describe('user add', () => {
  test('--email-verified marks the address, and without it the output names the ways', async () => {
    const proven = await addUser('ann', '--email', 'ann@example.com', '--email-verified', '--json')
    expect(JSON.parse(proven.stdout)).toMatchObject({
      claims: { email: 'ann@example.com', email_verified: true },
    })
    const { stdout } = await addUser('ben', '--email', 'ben@example.com')
    for (const words of ['not verified', 'latchkey verify ben', '--email-verified'])
      expect(stdout).toContain(words)
  })

  test.each<[string, string[], string]>([
    [
      'an address that another account has verified',
      ['cat', '--email', 'ANN@example.com', '--email-verified'],
      'email: is the address of another account',
    ],
    [
      'the same, by a claim',
      ['cat', '--email', 'ann@example.com', '--claim', 'email_verified=true'],
      'email: is the address',
    ],
    ['a username that is taken', ['ANN'], 'there is a user ANN already'],
    ['a username that looks like another', ['аnn'], 'looks like the name'],
    ['a username that is the address of another', ['ann@example.com'], 'username: another account has it'],
    ['a preferred_username of another', ['cat', '--claim', 'preferred_username=ann'], 'looks like the name'],
    ['an invisible username', ['\u200b'], 'visible characters'],
    ['a username with a line break', ['cat\nann'], 'visible characters'],
    ['a flag without address', ['cat', '--email-verified'], '--email-verified'],
    [
      'a flag that contradicts a claim',
      ['cat', '--email', 'cat@example.com', '--email-verified', '--claim', 'email_verified=false'],
      '--email-verified',
    ],
  ])('%s is said as such', async (_, [name, ...more], words) => {
    const { code, stdout, stderr } = await addUser(name!, ...more)
    expect(stderr).toContain(words)
    expect(stderr).not.toContain('.ts:')
    expect([code > 0, stdout]).toEqual([true, ''])
  })

  test('an unverified address of another account is said', async () => {
    const { code, stdout } = await addUser('dan', '--email', 'ann@example.com')
    expect(code).toBe(0)
    expect(stdout).toContain('ann@example.com is the verified address of the account ann')
  })

  test('an account whose name is an address has it, and can verify it', async () => {
    const own = await addUser('fay@example.com', '--email', 'fay@example.com')
    expect(own.stdout).toContain('latchkey verify fay@example.com')
    const words = 'fay@example.com is the username of the account fay@example.com'
    const other = await addUser('gus', '--email', 'fay@example.com')
    expect(other.stdout).toContain(`${words}, so this account cannot verify it`)
    const { code, stderr } = await line.latchkey(['verify', 'gus'])
    expect([code, stderr.trim()]).toEqual([1, `latchkey: ${words}; nothing was changed`])
    expect((await line.latchkey(['verify', 'fay@example.com'])).code).toBe(0)
  })

  test('what user add refuses, user import refuses in the same words', async () => {
    writeFileSync(join(line.folder, 'people.json'), JSON.stringify([{ username: 'аnn' }]))
    const { stdout } = await line.latchkey(['user', 'import', 'people.json'])
    expect(stdout).toContain('looks like the name of another account')
  })
})

describe('user show', () => {
  test('by name and by sub', async () => {
    const shown = await line.json<Json>('user', 'show', 'ann', '--json')
    expect(shown).toMatchObject({
      username: 'ann',
      state: 'active',
      password: true,
      sign_in_methods: 1,
      second_factors: [],
      sessions: 0,
      clients: [],
    })
    expect(JSON.stringify(shown)).not.toContain('argon2')
    expect(await line.json<Json>('user', 'show', '--sub', String(shown.sub), '--json')).toEqual(shown)
    expect((await line.latchkey(['user', 'show', 'ann'])).stdout).toMatch(/^state +active$/m)
  })

  test('a name that looks like the sub of another account is no such account', async () => {
    const { sub } = await line.json<Json>('user', 'show', 'ann', '--json')
    for (const args of [
      ['show', String(sub)],
      ['remove', String(sub), '--yes'],
      ['show', '--sub', 'nobody'],
    ])
      expect((await line.latchkey(['user', ...args])).code).toBe(1)
  })
})

describe('user remove', () => {
  test('without a terminal it needs --yes, and at a terminal the name', async () => {
    await addUser('eva')
    const { code, stderr } = await line.latchkey(['user', 'remove', 'eva'])
    expect([code, stderr.includes('--yes')]).toEqual([2, true])
    const other = await line.atTerminal(['user', 'remove', 'eva'], [['Type its name: ', 'ann\r']])
    expect(other.code).toBe(1)
    expect(other.stdout).toContain('nothing was changed')
    expect((await line.atTerminal(['user', 'remove', 'eva'], [['Type its name: ', 'eva\r']])).code).toBe(0)
    expect((await line.latchkey(['user', 'show', 'eva'])).code).toBe(1)
  })

  test('erases the account, frees its name and address, and never its sub', async () => {
    const { sub } = await line.json<Json>('user', 'show', 'ann', '--json')
    const gone = await line.json<Json>('user', 'remove', 'ann', '--yes', '--json')
    expect(gone).toMatchObject({ username: 'ann', sub, removed: true, ended_sessions: 0, ended_grants: 0 })
    expect((await line.latchkey(['user', 'list'])).stdout).not.toContain(String(sub))
    expect((await addUser('ann', '--email', 'ann@example.com', '--email-verified')).code).toBe(0)
    writeFileSync(join(line.folder, 'again.json'), JSON.stringify([{ username: 'again', sub }]))
    expect((await line.latchkey(['user', 'import', 'again.json'])).stdout).toContain('deleted account')
  })
})
