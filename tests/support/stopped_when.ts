/**
 * Stops a process in a state that passes by itself. The process is held by SIGSTOP at each look at the state, so it cannot leave
 * the state between the look and what the test does next, on a fast machine as on a slow one.
 */
import { readFileSync } from 'node:fs'

interface Child {
  readonly pid: number
  readonly exitCode: number | null
  readonly exited: Promise<number>
  kill(signal: NodeJS.Signals): void
}

/** Milliseconds for which the process runs between two looks: far less than any state lasts that a test waits for. */
const sliceMs = 3

/** Also true for a process that has ended, whose entry in /proc may be gone. */
const isStopped = (pid: number): boolean => {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    return 'TZX'.includes(stat.charAt(stat.lastIndexOf(')') + 2))
  } catch {
    return true
  }
}

/** Resolves while the process is stopped and `holds`; the test sends SIGCONT or SIGKILL. Throws when the process ends first. */
export async function stoppedWhen(
  child: Child,
  holds: () => boolean | Promise<boolean>,
  what: string,
  ms = 120_000,
): Promise<void> {
  for (const end = Date.now() + ms; ; await Bun.sleep(sliceMs)) {
    if (child.exitCode !== null) throw new Error(`the process ended with ${child.exitCode} before ${what}`)
    child.kill('SIGSTOP')
    while (!isStopped(child.pid)) await Bun.sleep(1)
    if (await holds()) return
    if (Date.now() > end) {
      child.kill('SIGKILL')
      throw new Error(`waited ${ms} ms in vain for ${what}`)
    }
    child.kill('SIGCONT')
  }
}

/** SIGKILL in the state that `holds`. */
export async function killedWhen(
  child: Child,
  holds: () => boolean | Promise<boolean>,
  what: string,
): Promise<void> {
  await stoppedWhen(child, holds, what)
  child.kill('SIGKILL')
  await child.exited
}
