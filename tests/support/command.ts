/** Runs the command line as a shell does: a process, its exit code, and what it wrote. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { latchkeyCommand } from './latchkey_command.ts'

const root = join(import.meta.dir, '../..')

export interface Ran {
  code: number
  stdout: string
  stderr: string
}

export interface CommandLine {
  /** Its working folder, where keys/ and databases appear. */
  folder: string
  /** `latchkey …args`; `input` becomes its stdin. */
  latchkey(args: readonly string[], input?: string): Promise<Ran>
  /** The JSON that a command printed. Throws what it wrote when it failed. */
  json<T>(...args: string[]): Promise<T>
  /** `bun scripts/NAME …args` */
  script(name: string, ...args: string[]): Promise<Ran>
  /** At a terminal: waits for each prompt to appear and types the answer. Resolves to all the terminal showed. */
  atTerminal(
    args: readonly string[],
    dialogue: readonly (readonly [prompt: string, keys: string])[],
  ): Promise<Ran>
  remove(): void
}

/**
 * A relative SQLite path is that in the folder of the command line: a command that makes a database at a relative path
 * warns, which is not what most tests are about. `asWritten` leaves it as it is.
 */
export function commandLine(
  given: Record<string, string> = {},
  { asWritten = false, timeoutMs = 300_000 } = {},
): CommandLine {
  const folder = mkdtempSync(join(tmpdir(), 'latchkey-cli-'))
  const [, relative] = /^sqlite:(?!\/)([^?]+)$/.exec(given.STORE_URL ?? '') ?? []
  const env =
    relative === undefined || asWritten ? given : { ...given, STORE_URL: `sqlite:${join(folder, relative)}` }
  const options = { cwd: folder, env: { PATH: process.env.PATH, HOME: folder, ...env } }

  async function spawn(command: string[], input = ''): Promise<Ran> {
    const child = Bun.spawn(command, {
      ...options,
      stdin: new TextEncoder().encode(input),
      stdout: 'pipe',
      stderr: 'pipe',
      timeout: timeoutMs,
    })
    const [stdout, stderr, code] = await Promise.all([
      new Response(child.stdout).text(),
      new Response(child.stderr).text(),
      child.exited,
    ])
    return { code, stdout, stderr }
  }

  return {
    folder,
    latchkey: (args, input) => spawn([...latchkeyCommand, ...args], input),
    async json<T>(...args: string[]) {
      const { code, stdout, stderr } = await spawn([...latchkeyCommand, ...args])
      if (code !== 0) throw new Error(`${args.join(' ')} exited with ${code}:\n${stdout}${stderr}`)
      return JSON.parse(stdout) as T
    },
    script: (name, ...args) => spawn(['bun', join(root, 'scripts', name), ...args]),
    async atTerminal(args, dialogue) {
      let shown = ''
      const child = Bun.spawn([...latchkeyCommand, ...args], {
        ...options,
        timeout: timeoutMs,
        terminal: { cols: 200, rows: 50, data: (_, bytes) => void (shown += Buffer.from(bytes).toString()) },
      })
      for (const [prompt, keys] of dialogue) {
        while (!shown.includes(prompt)) {
          if (child.exitCode !== null) throw new Error(`ended before it asked ${prompt}:\n${shown}`)
          await Bun.sleep(5)
        }
        child.terminal!.write(keys)
      }
      const code = await child.exited
      await Bun.sleep(20) // what it wrote last may still be on its way
      child.terminal!.close()
      return { code, stdout: shown, stderr: '' }
    },
    remove: () => rmSync(folder, { recursive: true, force: true }),
  }
}
