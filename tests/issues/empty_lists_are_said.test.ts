/** A list command without an entry says that there is none, in place of a header alone; with `--json` it is an empty array. */
import { afterAll, expect, test } from 'bun:test'
import { commandLine } from '../support/command.ts'

const line = commandLine({ STORE_URL: 'sqlite:latchkey.db' })
afterAll(line.remove)

test.each([
  ['user list', 'there are no accounts; latchkey user add NAME makes one\n'],
  ['client list', 'there are no clients; latchkey client add NAME makes one\n'],
  ['client token list', 'there are no initial access tokens\n'],
  ['invite list', 'there are no pending invitations\n'],
  ['sessions list --everybody', 'there are no sessions\n'],
])(
  '%s',
  async (command, words) => {
    const { code, stdout } = await line.latchkey(command.split(' '))
    expect([code, stdout]).toEqual([0, words])
    expect(await line.json<unknown[]>(...command.split(' '), '--json')).toEqual([])
  },
  60_000,
)

test('sessions list', async () => {
  await line.latchkey(['user', 'add', 'ann', '--password-stdin'], 'correct horse battery')
  const { code, stdout } = await line.latchkey(['sessions', 'list', 'ann'])
  expect([code, stdout]).toEqual([0, 'ann has no session\n'])
}, 60_000)
