/** Issue 9, line 48: keys that were lost or that leaked are replaced by a command, and a running server follows. */
import { Database } from 'bun:sqlite'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'bun:test'
import { formPost, headerOf, type Json, type TestClient } from '../support/client.ts'
import { type CommandLine, commandLine } from '../support/command.ts'
import { spawnProvider } from '../support/provider.ts'
import { until } from '../support/until.ts'

const lines: CommandLine[] = []
afterAll(() => lines.forEach((line) => line.remove()))

/** Two shells on one store, as an operator has before and after the loss. */
function shells() {
  const store = commandLine()
  const at = (SECRET_KEY: string) => {
    const line = commandLine({ STORE_URL: `sqlite:${join(store.folder, 'latchkey.db')}`, SECRET_KEY })
    lines.push(line)
    return line
  }
  lines.push(store)
  return {
    file: join(store.folder, 'latchkey.db'),
    before: at('a'.repeat(20) + 'bcdefghijklmnopqrstuvw'),
    after: at('z'.repeat(20) + 'bcdefghijklmnopqrstuvw'),
  }
}
type Replaced = {
  keys: { kid: string; alg: string; state: string }[]
  removed: string[]
  clients_without_secret: string[]
}
const replace = (line: CommandLine) => line.json<Replaced>('keys', 'replace', '--yes', '--json')

describe('the keys are replaced', () => {
  test('when SECRET_KEY is lost: the refusal names the command, and it names what else is lost', async () => {
    const { before, after } = shells()
    const service = ['--grant-type', 'client_credentials', '--client-id']
    await before.json('client', 'add', 'One', ...service, 'one', '--json')
    await before.json('client', 'add', 'Spa', '--public', '--redirect-uri', 'https://a.example/cb', '--json')
    const refused = await after.latchkey(['keys', 'list'])
    expect([refused.code, refused.stderr.includes('latchkey keys replace')]).toEqual([2, true])
    const { removed, keys, clients_without_secret } = await replace(after)
    expect(removed.length).toBeGreaterThan(0)
    expect(keys.some(({ kid }) => removed.includes(kid))).toBe(false)
    expect(clients_without_secret).toEqual(['one'])
    const secret = await after.json<Json>('client', 'secret', 'one', '--overlap', '0', '--json')
    expect(secret.client_secret).toBeString()
    expect((await replace(after)).clients_without_secret).toEqual([])
    expect((await after.latchkey(['keys', 'list'])).code).toBe(0)
  })

  test.each<[string, (db: Database) => unknown]>([
    ['is damaged', (db) => db.run("UPDATE entries SET value = '{' WHERE key = 'key_ring'")],
    ['is missing', (db) => db.run("DELETE FROM entries WHERE key = 'key_ring'")],
  ])('when the record %s', async (_, harm) => {
    const { before, file } = shells()
    await before.json('client', 'list', '--json')
    const db = new Database(file)
    harm(db)
    db.close()
    expect((await replace(before)).keys.length).toBeGreaterThan(0)
    expect((await before.latchkey(['keys', 'list'])).code).toBe(0)
  })

  test('only with --yes', async () => {
    const { before } = shells()
    const kids = async () => (await before.json<Json[]>('keys', 'list', '--json')).map(({ kid }) => kid)
    const there = await kids()
    const { code, stderr } = await before.latchkey(['keys', 'replace'])
    expect([code, stderr.includes('keys rotate')]).toEqual([2, true])
    expect(await kids()).toEqual(there)
  })
})

test('a running server signs with the new keys, and the old ones verify nothing any more', async () => {
  const { before, file } = shells()
  const op = await spawnProvider({
    STORE_URL: `sqlite:${file}`,
    SECRET_KEY: 'a'.repeat(20) + 'bcdefghijklmnopqrstuvw',
  })
  try {
    const client = await before.json<TestClient>(
      ...['client', 'add', 'API', '--grant-type', 'client_credentials', '--resource-server', '--json'],
    )
    const token = async () => {
      const answer = await fetch(`${op.issuer}/token`, formPost(client, { grant_type: 'client_credentials' }))
      return String(((await answer.json()) as Json).access_token)
    }
    const active = async (text: string) =>
      ((await (await fetch(`${op.issuer}/introspect`, formPost(client, { token: text }))).json()) as Json)
        .active
    const old = await token()
    expect(await active(old)).toBe(true)
    const { keys, removed } = await replace(before)
    const published = async () =>
      ((await (await fetch(`${op.issuer}/jwks.json`)).json()) as { keys: Json[] }).keys.map(({ kid }) =>
        String(kid),
      )
    await until(async () => !(await published()).some((kid) => removed.includes(kid)), 'the old keys to go')
    expect((await published()).sort()).toEqual(keys.map(({ kid }) => kid).sort())
    expect(await active(old)).toBe(false)
    const fresh = await token()
    expect(removed).not.toContain(headerOf(fresh).kid)
    expect(await active(fresh)).toBe(true)
  } finally {
    await op.stop()
  }
})
