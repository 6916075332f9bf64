/** Latchkey on this machine for an example: its clients come from a configuration, and all that it keeps goes with it. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const latchkey = ['bun', join(import.meta.dir, '../../src/main.ts')]

export interface RunningLatchkey {
  issuer: string
  /** Everything that it logged so far. */
  log(): string
  stop(): Promise<void>
}

/**
 * `configuration` has the form of docs/configuration_files.md; `env` has further variables of docs/configuration.md. `watch`
 * gets each line of the log.
 */
export async function startLatchkey(
  port: number,
  configuration: object,
  env: Record<string, string> = {},
  watch: (line: string) => void = () => {},
): Promise<RunningLatchkey> {
  const issuer = `http://localhost:${port}`
  const folder = mkdtempSync(join(tmpdir(), 'latchkey-example-'))
  const file = join(folder, 'latchkey.json')
  writeFileSync(file, JSON.stringify({ latchkey: 1, ...configuration }), { mode: 0o600 })
  const options = {
    cwd: folder,
    stdin: 'ignore',
    stdout: 'ignore',
    stderr: 'pipe',
    env: {
      PATH: process.env.PATH,
      HOME: folder,
      HOST: 'localhost',
      PORT: `${port}`,
      ISSUER_URL: issuer,
      STORE_URL: `sqlite:${join(folder, 'latchkey.db')}`,
      LOG_FORMAT: 'json',
      ...env,
    },
  } as const
  const remove = () => rmSync(folder, { recursive: true, force: true })
  const apply = Bun.spawn([...latchkey, 'apply', '--yes', '-f', file], options)
  const problem = await new Response(apply.stderr).text()
  if ((await apply.exited) !== 0) {
    remove()
    throw new Error(`Latchkey did not take the clients of the example:\n${problem}`)
  }
  const server = Bun.spawn([...latchkey, 'serve'], options)
  let text = ''
  const drain = async () => {
    let rest = ''
    for await (const chunk of server.stderr) {
      const came = Buffer.from(chunk).toString()
      text += came
      const lines = (rest + came).split('\n')
      rest = lines.pop() ?? ''
      lines.forEach(watch)
    }
  }
  void drain()
  const stop = async () => {
    server.kill()
    await server.exited
    remove()
  }
  for (const end = Date.now() + 60_000; !text.includes('"started"'); await Bun.sleep(20))
    if (server.exitCode !== null || Date.now() > end) {
      await stop()
      const way = 'PROVIDER_PORT chooses another port for the provider, such as PROVIDER_PORT=5001'
      throw new Error(`Latchkey did not start at ${issuer}. ${way}:\n${text}`)
    }
  return { issuer, log: () => text, stop }
}

/** Resolves with the first signal that ends a program, such as that of Ctrl-C. Call it before the start of the rest. */
export const untilEnded = (): Promise<void> =>
  new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, resolve)
  })

/** A program of an example in a process of its own, once it has printed its address. What it prints is passed on. */
export async function startProgram(
  path: string,
  env: Record<string, string>,
): Promise<{ stop(): Promise<void> }> {
  const child = Bun.spawn(['bun', path], {
    env: { PATH: process.env.PATH, ...env },
    stdin: 'ignore',
    stdout: 'pipe',
    stderr: 'inherit',
  })
  let isUp = false
  const up = Promise.withResolvers<void>()
  const pass = async () => {
    for await (const chunk of child.stdout) {
      const text = Buffer.from(chunk).toString()
      process.stdout.write(text)
      isUp ||= text.includes(`http://localhost:${env.PORT}`)
      if (isUp) up.resolve()
    }
    up.reject(new Error(`${path} did not start at port ${env.PORT}`))
  }
  void pass()
  await up.promise
  return {
    async stop() {
      child.kill()
      await child.exited
    },
  }
}
