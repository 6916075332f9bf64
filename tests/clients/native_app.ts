/** The native application of the examples as a person runs it: a process for each command, in a home of its own. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export interface Command {
  /** The first URL that it printed. Rejects with what it printed when it ends without one. */
  url: Promise<URL>
  /** What it has printed so far. */
  printed(): string
  /** All that it printed, when it has ended. */
  said: Promise<string>
  exited: Promise<number>
  kill(): void
}

export interface NativeApp {
  /** Where it keeps its file. */
  folder: string
  run(...args: string[]): Command
  remove(): void
}

const main = join(import.meta.dir, '../../examples/native_app/main.ts')

export function nativeApp(env: Record<string, string>): NativeApp {
  const home = mkdtempSync(join(tmpdir(), 'latchkey-native-'))
  return {
    folder: join(home, 'latchkey-native-app'),
    remove: () => rmSync(home, { recursive: true, force: true }),
    run(...args) {
      const child = Bun.spawn(['bun', main, ...args], {
        env: { PATH: process.env.PATH, HOME: home, XDG_STATE_HOME: home, ...env },
        stdout: 'pipe',
        stderr: 'pipe',
      })
      const url = Promise.withResolvers<URL>()
      url.promise.catch(() => {}) // not every command prints one
      let text = ''
      const drain = async (stream: ReadableStream<Uint8Array>) => {
        for await (const chunk of stream) {
          text += Buffer.from(chunk).toString()
          const [found] = /https?:\/\/\S+(?=\s)/.exec(text) ?? []
          if (found !== undefined) url.resolve(new URL(found))
        }
      }
      const said = Promise.all([drain(child.stdout), drain(child.stderr)]).then(() => {
        url.reject(new Error(`no URL came:\n${text}`))
        return text
      })
      return { url: url.promise, printed: () => text, said, exited: child.exited, kill: () => child.kill() }
    },
  }
}
