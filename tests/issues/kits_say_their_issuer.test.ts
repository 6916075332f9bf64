/** Without ISSUER_URL a kit named http://localhost:5000 and did not say so. */
import { afterAll, expect, test } from 'bun:test'
import { commandLine } from '../support/command.ts'

const line = commandLine({ STORE_URL: 'sqlite:latchkey.db' })
afterAll(line.remove)

const add = () =>
  line.json<{ client_id: string }>(
    'client',
    'add',
    'App',
    '--redirect-uri',
    'http://localhost:3000/cb',
    '--json',
  )

test('an issuer on this machine is said on stderr, and the files on stdout stay as they are', async () => {
  const { client_id } = await add()
  const { code, stdout, stderr } = await line.latchkey(['client', 'kit', client_id, '--for', 'env'])
  expect([code, stderr]).toEqual([
    0,
    expect.stringContaining('note: the files name the issuer http://localhost:'),
  ])
  expect(stderr).toContain('--issuer URL or ISSUER_URL names another')
  expect(stdout).not.toContain('note:')
})

test('one that was named is not, and the facts have it', async () => {
  const { client_id } = await add()
  const issuer = 'https://id.example'
  const args = ['client', 'kit', client_id, '--for', 'env', '--issuer', issuer, '--json']
  const { stdout, stderr } = await line.latchkey(args)
  expect([stderr, (JSON.parse(stdout) as { issuer: string }).issuer]).toEqual(['', issuer])
})
