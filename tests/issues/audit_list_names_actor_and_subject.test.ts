/** `latchkey audit list` shows the actor and the subject of an entry in columns of their own. Issue 10 */
import { expect, test } from 'bun:test'
import { commandLine } from '../support/command.ts'

test('the operator is the actor, and the account is the subject', async () => {
  const cli = commandLine({
    STORE_URL: 'sqlite:./audit.db',
    SECRET_KEY: 'tGh3o2uTqJ1mZ8vXw5cR7yLk0sNd9bQf4iAe6pUx',
    AUDIT_SIGNING_KEY: 'a-key-for-the-audit-trail-of-this-test',
  })
  await cli.latchkey(['user', 'add', 'carol', '--password-stdin'], 'a passphrase of four words\n')
  await cli.latchkey(['user', 'disable', 'carol'])
  const [{ stdout }, { entries }] = await Promise.all([
    cli.latchkey(['audit', 'list', '--kind', 'changed_by_operator']),
    cli.json<{ entries: { operator?: string; subject?: string }[] }>(
      ...['audit', 'list', '--kind', 'changed_by_operator', '--json'],
    ),
  ])
  const about = entries.find(({ subject }) => subject !== undefined)!
  const [head = '', ...rows] = stdout.split('\n')
  const columnsOf = (row: string) =>
    ['ACTOR', 'SUBJECT', 'CLIENT'].map((name) =>
      row
        .slice(head.indexOf(name))
        .split(/ {2,}|\n/)[0]!
        .trim(),
    )
  expect(columnsOf(head)).toEqual(['ACTOR', 'SUBJECT', 'CLIENT'])
  expect(head).not.toContain('WHO')
  const row = rows.find((each) => each.includes(about.subject!))!
  expect(columnsOf(row).slice(0, 2)).toEqual([about.operator!, about.subject!])
  cli.remove()
})
