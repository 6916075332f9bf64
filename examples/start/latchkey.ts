/** Latchkey on this machine for an example: its clients come from a configuration, and all that it keeps goes with it. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const latchkey = ['bun', join(import.meta.dir, '../../src/main.ts')]

/** Something that was started and can be ended. */
export interface Part {
  stop(): unknown
}

export interface SpawnedLatchkey {
  issuer: string
  stderr: ReadableStream<Uint8Array>
  /** Null while it runs. */
  exitCode(): number | null
  stop(): Promise<void>
}

export interface RunningLatchkey {
  issuer: string
  /** Everything that it logged so far. */
  log(): string
  stop(): Promise<void>
}

/**
 * Applies `configuration` (docs/configuration_files.md) and spawns `latchkey serve`; does not wait until it listens. `env` has
 * further variables of docs/configuration.md. Its log, in JSON, is on `stderr`.
 */
export async function spawnLatchkey(
  port: number,
  configuration: object,
  env: Record<string, string> = {},
): Promise<SpawnedLatchkey> {
  const folder = mkdtempSync(join(tmpdir(), 'latchkey-example-'))
  const file = join(folder, 'latchkey.json')
  writeFileSync(file, JSON.stringify({ latchkey: 1, ...configuration }), { mode: 0o600 })
  const issuer = env.ISSUER_URL ?? `http://localhost:${port}`
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
  const stop = async () => {
    server.kill()
    await server.exited
    remove()
  }
  return { issuer, stderr: server.stderr, exitCode: () => server.exitCode, stop }
}

/** The same, once it listens. `watch` gets each line of the log. */
export async function startLatchkey(
  port: number,
  configuration: object,
  env: Record<string, string> = {},
  watch: (line: string) => void = () => {},
): Promise<RunningLatchkey> {
  requireFree(port, 'PROVIDER_PORT')
  const { issuer, stderr, exitCode, stop } = await spawnLatchkey(port, configuration, env)
  let text = ''
  const drain = async () => {
    let rest = ''
    for await (const chunk of stderr) {
      const came = Buffer.from(chunk).toString()
      text += came
      const lines = (rest + came).split('\n')
      rest = lines.pop() ?? ''
      lines.forEach(watch)
    }
  }
  void drain()
  for (const end = Date.now() + 60_000; !text.includes('"started"'); await Bun.sleep(20))
    if (exitCode() !== null || Date.now() > end) {
      await stop()
      throw new Error(`Latchkey did not start at ${issuer}:\n${text}`)
    }
  return { issuer, log: () => text, stop }
}

/** Throws a message for the reader of a terminal; without this a program shows where its server was made. */
function requireFree(port: number, variable: string): void {
  try {
    Bun.listen({ hostname: 'localhost', port, socket: { data() {} } }).stop(true)
  } catch {
    throw new Error(
      `Port ${port} is in use. End the program that has it, or choose another port, such as ${variable}=${port + 1}.`,
    )
  }
}

/** A program of an example in a process of its own, once it has printed its address. What it prints is passed on. */
export async function startProgram(
  path: string,
  env: Record<string, string> & { PORT: string },
  portVariable = 'PORT',
): Promise<{ stop(): Promise<void> }> {
  requireFree(Number(env.PORT), portVariable)
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

/**
 * Runs an example until Ctrl-C. `start` adds each part that it starts and resolves to what the terminal shows then. Where one
 * part does not start, the reader sees why, and the parts before it end.
 */
export async function runExample(
  start: (add: <T extends Part>(part: T | Promise<T>) => Promise<T>) => Promise<string>,
): Promise<never> {
  // Before the start, so that Ctrl-C removes what a start has made so far.
  const ended = new Promise<unknown>((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, resolve)
  })
  const parts: Part[] = []
  let code = 0
  try {
    console.log(
      await start(async (part) => {
        const started = await part
        parts.push(started)
        return started
      }),
    )
    await ended
  } catch (error) {
    console.error(error instanceof Error ? error.message : error)
    code = 1
  }
  for (const part of parts.toReversed()) await part.stop()
  process.exit(code)
}

/** A folder for keys of an example, readable by this user alone; it goes with the example. */
export function folderFor(name: string): Part & { path: string } {
  const path = mkdtempSync(join(tmpdir(), `latchkey-${name}-`))
  return { path, stop: () => rmSync(path, { recursive: true, force: true }) }
}
