/** The client of `--run`: a program that is started for the trial, and again for a fault that a client meets at its start. */
import { connect } from 'node:net'
import { spawn, type ChildProcess } from 'node:child_process'
import { Refusal, UsageError } from '../failure.ts'

export interface ClientProcess {
  /** Starts it anew. False when it ended, or took no connection in time. */
  restart(): Promise<boolean>
  stop(): Promise<void>
}

const startMs = 30_000
const pauseMs = 50

/** Without a shell: words between spaces, quotes around a word with spaces. */
function wordsOf(command: string): string[] {
  const words = [...command.matchAll(/"([^"]*)"|'([^']*)'|(\S+)/g)].map(([, a, b, c]) => a ?? b ?? c ?? '')
  if (words.length === 0) throw new UsageError('--run: expected a program, such as "bun client.ts"')
  return words
}

const isOpen = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect({ port, host: 'localhost' })
    const end = (open: boolean) => {
      socket.destroy()
      resolve(open)
    }
    socket.once('connect', () => end(true)).once('error', () => end(false))
  })

/** `env` is what it gets beside the environment of this process; `port` is where it listens. */
export function clientProcess(command: string, port: number, env: Record<string, string>): ClientProcess {
  const [program = '', ...args] = wordsOf(command)
  let child: ChildProcess | undefined
  /** One that could not be started has no pid, and never exits. */
  const isAlive = ({ pid, exitCode, signalCode }: ChildProcess) =>
    pid !== undefined && exitCode === null && signalCode === null

  async function stop(): Promise<void> {
    if (!child || !isAlive(child)) return
    const over = new Promise((resolve) => child!.once('exit', resolve))
    child.kill('SIGTERM')
    const killer = setTimeout(() => child!.kill('SIGKILL'), 5_000)
    await over
    clearTimeout(killer)
  }

  return {
    stop,
    async restart() {
      await stop()
      // What listens there would be tried in its place.
      if (await isOpen(port))
        throw new Refusal(`another program listens on port ${port}: stop it, or leave out --run`)
      const started = spawn(program, args, { env: { ...process.env, ...env }, stdio: 'ignore' })
      child = started
      let failed = false
      started.once('error', () => (failed = true))
      const until = performance.now() + startMs
      while (!failed && isAlive(started) && performance.now() < until) {
        if (await isOpen(port)) return true
        await Bun.sleep(pauseMs)
      }
      return false
    },
  }
}
