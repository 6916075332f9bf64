/** Processes the bench starts: pinned to a core, waited for, and stopped by their own handle. */
import { createServer } from 'node:net'
import { resolve } from 'node:path'

export interface Child {
  pid: number
  /** SIGTERM, and SIGKILL when the process has not ended within five seconds. */
  stop(): Promise<void>
}

/** A port that was free a moment ago. */
export const freePort = (): Promise<number> =>
  new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen(0, 'localhost', () => {
      const address = server.address()
      server.close(() => resolve(typeof address === 'object' && address ? address.port : 0))
    })
  })

/** A command line in words; a program named by path is found from where we are, whatever directory it will run in. */
export const commandOf = (line: string): string[] => {
  const [program = '', ...rest] = line.split(' ')
  return [program.includes('/') ? resolve(program) : program, ...rest]
}

/** On one core, and ended by the kernel when this process ends. */
const pinned = (core: number, command: string[]): string[] => [
  'setpriv',
  '--pdeathsig',
  'TERM',
  'taskset',
  '-c',
  `${core}`,
  ...command,
]

/** Start `command` on `core` and ask `every` so many milliseconds (20) whether it is ready. What the child wrote to stderr is in the error when it does not come up. */
export async function startChild(
  core: number,
  command: string[],
  options: {
    env?: Record<string, string>
    cwd?: string
    every?: number
    within?: number
    ready(): Promise<boolean>
  },
): Promise<Child> {
  const child = Bun.spawn(pinned(core, command), {
    env: { PATH: process.env.PATH ?? '', HOME: process.env.HOME ?? '', ...options.env },
    ...(options.cwd && { cwd: options.cwd }),
    stdin: 'ignore',
    stdout: 'ignore',
    stderr: 'pipe',
  })
  const written = new Response(child.stderr).text()
  const stop = async () => {
    child.kill('SIGTERM')
    const timer = setTimeout(() => child.kill('SIGKILL'), 5000)
    await child.exited
    clearTimeout(timer)
  }
  for (
    const end = Date.now() + (options.within ?? 20_000);
    Date.now() < end && child.exitCode === null;
    await Bun.sleep(options.every ?? 20)
  )
    if (await options.ready().catch(() => false)) return { pid: child.pid, stop }
  await stop()
  throw new Error(`${command.join(' ')} did not come up: ${await written}`)
}

/** Run `command` on `core` to its end; its stdout. Throws what it wrote to stderr when it fails. */
export async function runChild(core: number, command: string[], cwd: string): Promise<string> {
  const child = Bun.spawn(pinned(core, command), {
    cwd,
    stdin: 'ignore',
    stdout: 'pipe',
    stderr: 'pipe',
  })
  const [out, written, code] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ])
  if (code !== 0) throw new Error(`${command.slice(0, 3).join(' ')} failed (${code}):\n${written}`)
  return out
}
