/** Reads a new password: from a terminal without echo, twice, or from stdin. Never from an argument, which `ps` and shell histories would show. */
import type { Context } from '../contracts/context.ts'
import { newPasswordProblem } from '../people/new_password.ts'
import { wordsOf } from '../html/words.ts'
import { Interrupted, Refusal, UsageError } from './failure.ts'

export const passwordOption = {
  'password-stdin': {
    type: 'boolean',
    help: 'Read the password from stdin (one line) instead of prompting',
  },
} as const

/**
 * `about` are words of the account that the password must not consist of. Throws Refusal when the password is not
 * acceptable or its repetition differs; UsageError without a terminal.
 */
export async function readNewPassword(
  context: Context,
  about: readonly string[],
  fromStdin = false,
): Promise<string> {
  const judge = async (password: string): Promise<string> => {
    const problem = await newPasswordProblem(context, password, about)
    if (problem) throw new Refusal(`${wordsOf('en').text(problem)} Nothing was changed`)
    return password
  }
  return fromStdin ? judge(await readStdin()) : askTwice(judge)
}

/** The last line break is removed, because `echo` and editors add one. */
const readStdin = async (): Promise<string> => (await Bun.stdin.text()).replace(/\r?\n$/, '')

/** Reads a line, which is shown as it is typed. */
export async function askOnce(question: string): Promise<string> {
  const terminal = openTerminal({ echo: true })
  try {
    return await terminal.ask(question)
  } finally {
    terminal.close()
  }
}

async function askTwice(judge: (password: string) => Promise<string>): Promise<string> {
  if (!process.stdin.isTTY)
    throw new UsageError('no terminal to ask for the password on: expected --password-stdin')
  const terminal = openTerminal()
  try {
    const password = await judge(await terminal.ask('Password: '))
    if ((await terminal.ask('Once more: ')) !== password)
      throw new Refusal('the passwords do not match; nothing was changed')
    return password
  } finally {
    terminal.close()
  }
}

/** Reads keys one by one, because only a raw terminal has no echo of its own. Prompts go to stderr, so that stdout has only the result. */
function openTerminal({ echo = false } = {}) {
  const { stdin, stderr } = process
  const lines: string[] = []
  let line = ''
  let wake: () => void = () => {}
  let ended: Error | undefined
  let asked = ''

  const keys: Readonly<Record<string, () => void>> = {
    '\r': () => void (lines.push(line), (line = '')),
    '\n': () => void (lines.push(line), (line = '')),
    '\x7f': () => void (line = Array.from(line).slice(0, -1).join('')), // Backspace
    '\b': () => void (line = Array.from(line).slice(0, -1).join('')),
    '\x15': () => void (line = ''), // Ctrl-U
    '\x03': () => void (ended = new Interrupted()), // Ctrl-C, which is a character in a raw terminal
    '\x04': () => void (ended = new Refusal('the input ended before the answer did; nothing was changed')),
  }
  const onData = (chunk: string) => {
    // Arrow keys and similar keys send escape sequences.
    for (const character of chunk.replace(/\x1b(\[[0-9;]*[ -/]*[@-~]|O.|.)?/g, '')) {
      const key = keys[character]
      if (key) key()
      else line += character
      if (echo && lines.length === 0) stderr.write(`\r\x1b[K${asked}${line}`)
    }
    wake()
  }
  const onEnd = () => {
    ended ??= new Refusal('the terminal was closed; nothing was changed')
    wake()
  }

  stdin.setEncoding('utf8')
  stdin.setRawMode(true)
  stdin.on('data', onData).on('end', onEnd)
  stdin.resume()
  return {
    async ask(prompt: string): Promise<string> {
      asked = prompt
      stderr.write(prompt)
      while (lines.length === 0 && ended === undefined) await new Promise<void>((resolve) => (wake = resolve))
      stderr.write('\r\n')
      const answer = lines.shift()
      if (answer === undefined || ended instanceof Interrupted) throw ended
      return answer
    },
    close(): void {
      stdin.off('data', onData).off('end', onEnd)
      stdin.setRawMode(false)
      stdin.pause()
    },
  }
}
