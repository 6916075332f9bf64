/** An example that cannot start says why, without a stack trace, and ends what it had started before. */
import { expect, test } from 'bun:test'
import { readdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort } from '../support/free_port.ts'

const root = join(import.meta.dir, '../..')

test.each(['PORT', 'API_PORT', 'PROVIDER_PORT'])('web_app whose %s is in use', async (variable) => {
  const other = Bun.serve({ hostname: 'localhost', port: 0, fetch: () => new Response('another program') })
  const ports = { PORT: freePort(), API_PORT: freePort(), PROVIDER_PORT: freePort() }
  const folders = () => readdirSync(tmpdir()).filter((name) => name.startsWith('latchkey-web-app-'))
  const before = folders()
  try {
    const child = Bun.spawn(['bun', 'examples/web_app/start.ts'], {
      cwd: root,
      env: {
        PATH: process.env.PATH,
        ...Object.fromEntries(Object.entries(ports).map(([name, port]) => [name, `${port}`])),
        [variable]: `${other.port}`,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    const stderr = await new Response(child.stderr).text()
    expect([await child.exited, stderr]).toEqual([
      1,
      `Port ${other.port} is in use. End the program that has it, or choose another port, such as ${variable}=${other.port! + 1}.\n`,
    ])
    expect(folders()).toEqual(before)
    for (const [name, port] of Object.entries(ports))
      if (name !== variable) Bun.listen({ hostname: 'localhost', port, socket: { data() {} } }).stop(true)
  } finally {
    await other.stop(true)
  }
})
