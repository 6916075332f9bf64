/** The server's side of the process that has a PKCS#11 library (cli/pkcs11/process.ts): begins it when it is needed, ends it when it hangs. */
import { fileURLToPath } from 'node:url'
import type { Entries } from '../../config/entry.ts'
import type { Env } from '../../config/read.ts'
import { entries } from '../../config/variables.ts'
import { featureEntries } from '../../table.ts'
import { isCompiled } from '../../version.ts'
import { type Failure, processWord, type Request } from '../pkcs11/protocol.ts'
import type { TokenPlace } from '../pkcs11/token.ts'
import { SourceError } from '../secret_sources/source.ts'

type WithoutId<R> = R extends unknown ? Omit<R, 'id'> : never
export type Asked = WithoutId<Exclude<Request, { open: TokenPlace }>>

export interface Pkcs11Process {
  /** The members of the answer. Rejects with SourceError. */
  ask(request: Asked, timeoutMs: number): Promise<Record<string, unknown>>
  close(): void
}

/** Characters of one answer. */
const longestAnswer = 262_144

/** Our own secrets: the library and what it loads need none of them. */
const all: Entries = [...entries, ...Object.values(featureEntries).flat()]
const secrets = new Set(all.flatMap(({ name, secret }) => (secret ? [name, `${name}_FILE`] : [])))

const commandOf = (): string[] =>
  isCompiled
    ? [process.execPath, processWord]
    : [
        process.execPath,
        '--no-env-file',
        fileURLToPath(new URL('../../main.ts', import.meta.url)),
        processWord,
      ]

interface Waiting {
  resolve(answer: Record<string, unknown>): void
  reject(error: Error): void
}

/** The session with the token ended; another process can begin a new one. */
class SessionLost extends SourceError {}

class LibraryError extends SourceError {
  /** Whether the token did not take the PIN. */
  readonly isRefused: boolean

  constructor({ problem, kind }: Failure) {
    super(problem)
    this.isRefused = kind === 'refused'
  }
}

interface Worker {
  opened: Promise<unknown>
  send(request: WithoutId<Request>, timeoutMs: number): Promise<Record<string, unknown>>
  end(why: string): void
}

/** `ended` is called once, when the worker takes no more requests. */
function startWorker(env: Env, ended: (worker: Worker) => void): Worker {
  const waiting = new Map<number, Waiting>()
  let last = 0
  let answeredAt = 0
  let problem: string | undefined
  const child = Bun.spawn(commandOf(), {
    cwd: '/',
    env: Object.fromEntries(Object.entries(env).filter(([name]) => !secrets.has(name))),
    stdin: 'pipe',
    stdout: 'pipe',
    stderr: 'ignore',
  })
  child.unref()

  /** Requests without an answer can be sent to another process: a signature that is made twice does no harm. */
  function end(why: string): void {
    if (problem !== undefined) return
    problem = why
    ended(worker)
    child.kill('SIGKILL')
    for (const { reject } of waiting.values()) reject(new SessionLost(why))
    waiting.clear()
  }

  function take(line: string): void {
    if (!line.startsWith('{"id":')) return // a library may print
    const answer = JSON.parse(line) as Record<string, unknown> & { id: number }
    const request = waiting.get(answer.id)
    waiting.delete(answer.id)
    answeredAt = performance.now()
    if (!('problem' in answer)) return request?.resolve(answer)
    const failure = answer as unknown as Failure
    request?.reject(failure.kind === 'lost' ? new SessionLost(failure.problem) : new LibraryError(failure))
    if (failure.kind === 'lost') end(failure.problem)
  }

  async function readAnswers(): Promise<void> {
    let text = ''
    const decoder = new TextDecoder()
    for await (const chunk of child.stdout) {
      text += decoder.decode(chunk, { stream: true })
      const lines = text.split('\n')
      text = lines.pop() ?? ''
      if (text.length > longestAnswer) break
      lines.forEach(take)
    }
  }

  const worker: Worker = {
    opened: Promise.resolve(),
    end,
    send(request, timeoutMs) {
      if (problem !== undefined) return Promise.reject(new SessionLost(problem))
      const id = ++last
      const { promise, resolve, reject } = Promise.withResolvers<Record<string, unknown>>()
      const sentAt = performance.now()
      const timer = setTimeout(() => {
        waiting.delete(id)
        const words = `the PKCS#11 library did not answer within ${Math.round(timeoutMs)} ms`
        reject(new SourceError(words))
        // A call that hangs can be ended in no other way. One that only waited for others leaves them alone.
        if (answeredAt < sentAt) end(words)
      }, timeoutMs)
      waiting.set(id, { resolve, reject })
      // A write to a process that has just ended fails; its end is told below.
      const written = async () => {
        await child.stdin.write(`${JSON.stringify({ id, ...request })}\n`)
        await child.stdin.flush()
      }
      written().catch(() => {})
      return promise.finally(() => clearTimeout(timer))
    },
  }
  readAnswers()
    .catch(() => {})
    .then(() => child.exited)
    .then(() =>
      end(`the process of the PKCS#11 library ended (${child.signalCode ?? `code ${child.exitCode}`})`),
    )
    .catch(() => {})
  return worker
}

/** Requests of all keys of one token go through one process and one sign-in. */
export function openPkcs11(place: TokenPlace, env: Env): Pkcs11Process {
  let worker: Worker | undefined
  /** After a wrong PIN nothing more is tried: a token locks after a few. */
  let refusal: LibraryError | undefined

  function running(timeoutMs: number): Worker {
    if (worker) return worker
    const started = startWorker(env, (ended) => {
      if (worker === ended) worker = undefined
    })
    worker = started
    started.opened = started.send({ open: place }, timeoutMs).catch((error: Error) => {
      if (error instanceof LibraryError && error.isRefused) refusal = error
      started.end(error.message)
      throw error
    })
    started.opened.catch(() => {})
    return started
  }

  async function askOnce(request: Asked, timeoutMs: number): Promise<Record<string, unknown>> {
    if (refusal) throw refusal
    const until = performance.now() + timeoutMs
    const current = running(timeoutMs)
    await current.opened
    return current.send(request, Math.max(1, until - performance.now()))
  }

  return {
    async ask(request, timeoutMs) {
      const until = performance.now() + timeoutMs
      try {
        return await askOnce(request, timeoutMs)
      } catch (error) {
        if (!(error instanceof SessionLost)) throw error
        return askOnce(request, Math.max(1, until - performance.now()))
      }
    },
    close: () => worker?.end('the provider ends'),
  }
}
