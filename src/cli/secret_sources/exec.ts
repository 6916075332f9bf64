/** A command whose output is the secret, such as that of a password manager. It runs without a shell: blanks separate its words. */
import { type SecretSource, SourceError, type SourceSettings } from './source.ts'

const mostBytes = 65_536

export const commandSource = ({ env, secretsTimeoutMs }: SourceSettings): SecretSource => ({
  async read({ place }) {
    const words = place.trim().split(/\s+/)
    const [program = ''] = words
    if (program === '') throw new SourceError('exec: needs a command')
    // Words after the program may be secret: messages name the program alone.
    const child = start(program, words, env)
    const reader = child.stdout.getReader()
    let isLate = false
    const timer = setTimeout(() => {
      isLate = true
      child.kill('SIGKILL')
      void reader.cancel() // a child of the command may hold the other end
    }, secretsTimeoutMs)
    const chunks: Uint8Array[] = []
    let size = 0
    for (let part = await reader.read(); part.value; part = await reader.read()) {
      size += part.value.byteLength
      chunks.push(part.value)
      if (size <= mostBytes) continue
      child.kill('SIGKILL')
      await reader.cancel()
    }
    const code = await child.exited
    clearTimeout(timer)
    if (size > mostBytes) throw new SourceError(`${program} wrote more than ${mostBytes} bytes`)
    if (isLate) throw new SourceError(`${program} did not end within ${secretsTimeoutMs} ms`)
    if (code !== 0) throw new SourceError(`${program} ended with ${code}`)
    return Buffer.concat(chunks)
      .toString('utf8')
      .replace(/\r?\n$/, '')
  },
})

function start(program: string, words: string[], env: SourceSettings['env']) {
  try {
    return Bun.spawn(words, { env: { ...env }, stdin: 'ignore', stdout: 'pipe', stderr: 'inherit' })
  } catch (error) {
    throw new SourceError(`${program} cannot be run (${String((error as NodeJS.ErrnoException).code)})`)
  }
}
