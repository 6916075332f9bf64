/** The log of Latchkey as facts: what it refused, and by which rule. */
import { randomUUID } from 'node:crypto'
import type { Lab } from './lab.ts'

export interface ProviderLog {
  /** Resolves to false when the log ended before. */
  started(): Promise<boolean>
  /** Reads on, to the end. */
  follow(): Promise<void>
  /** Resolves when everything that Latchkey has answered so far is in the facts. */
  caughtUp(): Promise<void>
}

export function providerLog(stream: ReadableStream<Uint8Array>, lab: Lab): ProviderLog {
  const lines = linesOf(stream)
  /** By the path of a request of ours, which Latchkey refuses: the line of it comes after all lines before. */
  const waiting = new Map<string, () => void>()
  let hasEnded = false

  function note({ event, rule = '', problem, expected = '', path = '' }: Record<string, string>): void {
    const ours = waiting.get(path)
    if (ours) return ours()
    if (event?.endsWith('_reused')) lab.note({ what: 'provider saw a replay', event })
    if (event === 'refused') lab.note({ what: 'provider refused', rule, problem: problem ?? expected, path })
  }

  return {
    async started() {
      for (;;) {
        const { value, done } = await lines.next()
        if (done) return false
        if (parsed(value).event === 'started') return true
      }
    },
    async follow() {
      for await (const line of lines) note(parsed(line))
      hasEnded = true
      for (const resolve of waiting.values()) resolve()
    },
    async caughtUp() {
      const path = `/attack_lab/${randomUUID()}`
      const { promise, resolve } = Promise.withResolvers<void>()
      waiting.set(path, resolve)
      const answer = await fetch(`${lab.at.provider}${path}`).catch(() => undefined)
      if (answer && !hasEnded) await promise
      waiting.delete(path)
    },
  }
}

async function* linesOf(stream: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  let rest = ''
  const decoder = new TextDecoder()
  for await (const chunk of stream) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n')
    rest = lines.pop()!
    yield* lines
  }
}

/** A line that is no JSON says nothing to us. */
function parsed(line: string): Record<string, string> {
  try {
    return JSON.parse(line) as Record<string, string>
  } catch {
    return {}
  }
}
