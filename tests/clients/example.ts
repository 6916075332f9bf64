/** Starts an example as its README says, and waits until it answers. */
import { join } from 'node:path'

export interface Example {
  origin: string
  stop(): Promise<void>
}

/** `bun examples/<name>/main.ts` with `env`, which has PORT. Throws with what it printed when it does not start. */
export async function startExample(name: string, env: Record<string, string>): Promise<Example> {
  const child = Bun.spawn(['bun', join(import.meta.dir, '../../examples', name, 'main.ts')], {
    env: { PATH: process.env.PATH, ...env },
    stdout: 'pipe',
    stderr: 'pipe',
  })
  let text = ''
  const drain = async (stream: ReadableStream<Uint8Array>) => {
    for await (const chunk of stream) text += Buffer.from(chunk).toString()
  }
  void drain(child.stdout)
  void drain(child.stderr)
  const stop = async () => {
    child.kill()
    await child.exited
  }
  const until = Date.now() + 60_000
  while (!text.includes(`http://localhost:${env.PORT}/`)) {
    if (child.exitCode === null && Date.now() < until) await Bun.sleep(20)
    else {
      await stop()
      throw new Error(`the example ${name} did not start:\n${text}`)
    }
  }
  return { origin: `http://localhost:${env.PORT}`, stop }
}
