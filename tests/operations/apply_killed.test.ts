/** Issue 10, section 5: kill -9 in the middle of `latchkey apply` leaves the old or the new state after the next command or start. */
import { Database } from 'bun:sqlite'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'bun:test'
import { commandLine } from '../support/command.ts'
import { spawnProvider } from '../support/provider.ts'
import { until } from '../support/until.ts'
import { latchkeyCommand } from '../support/latchkey_command.ts'

const count = 150
const clientsFrom = (name: string) =>
  Array.from({ length: count }, (_, i) => ({
    client_id: `client-${i}`,
    client_name: name,
    redirect_uris: [`https://${name}.example/cb`],
    token_endpoint_auth_method: 'none',
  }))

/** The names of the clients in the store, and whether an apply is under way; undefined before the file exists. */
function look(path: string): { names: string[]; isPending: boolean } | undefined {
  try {
    const db = new Database(path, { readonly: true })
    const values = db.query<{ key: string; value: string }, []>(
      `SELECT key, value FROM entries WHERE key LIKE 'client:client-%' OR key = 'applied:state'`,
    )
    const rows = values.all()
    db.close()
    const state = rows.find(({ key }) => key === 'applied:state')
    const clients = rows.filter((each) => each !== state)
    return {
      names: clients.map(({ value }) => (JSON.parse(value) as { client_name: string }).client_name),
      isPending: state?.value.includes('"pending"') ?? false,
    }
  } catch {
    return undefined
  }
}

test.each([0, 1, count / 3, (count * 2) / 3])(
  'killed when %d of the clients are written',
  async (killAt) => {
    const line = commandLine({ STORE_URL: 'sqlite:latchkey.db', STORE_TIMEOUT_MS: '30000' })
    const path = join(line.folder, 'latchkey.db')
    const write = (name: string) =>
      writeFileSync(
        join(line.folder, 'latchkey.yaml'),
        JSON.stringify({ latchkey: 1, clients: clientsFrom(name) }),
      )
    /** Whether it was killed before it had ended. */
    async function killed(): Promise<boolean> {
      const child = Bun.spawn([...latchkeyCommand, 'apply', '--yes'], {
        cwd: line.folder,
        env: { PATH: process.env.PATH, HOME: line.folder, STORE_URL: 'sqlite:latchkey.db' },
        stdout: 'ignore',
        stderr: 'ignore',
      })
      await until(() => {
        const seen = look(path)
        const isFar = (seen?.names.filter((name) => name === 'new').length ?? 0) >= killAt
        return child.exitCode !== null || (seen?.isPending === true && isFar)
      }, 'the apply to come so far')
      child.kill('SIGKILL')
      await child.exited
      return look(path)!.isPending
    }
    try {
      for (let attempt = 0; ; attempt++) {
        write('old')
        expect((await line.latchkey(['apply', '--yes'])).code).toBe(0)
        write('new')
        if (await killed()) break
        expect(attempt).toBeLessThan(10)
      }
      if (killAt === 1) {
        const server = await spawnProvider({ STORE_URL: `sqlite:${path}`, STORE_TIMEOUT_MS: '30000' })
        await server.stop()
        expect(server.output()).toContain('apply_resumed')
      } else expect((await line.latchkey(['plan'])).code).toBe(0) // a command ends it too
      const end = look(path)!
      expect(end.isPending).toBe(false)
      expect(new Set(end.names)).toEqual(new Set(['new']))
      expect(end.names).toHaveLength(count)
      expect((await line.latchkey(['plan'])).code).toBe(0)
    } finally {
      line.remove()
    }
  },
  240_000,
)
