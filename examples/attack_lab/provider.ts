/** Latchkey for the lab: the clients come from a file, the store and the keys are in a folder that goes with the lab. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { portOf } from './addresses.ts'
import { classicSecret, clientsFile } from './clients.ts'
import type { Lab, Running } from './lab.ts'

const latchkey = ['bun', join(import.meta.dir, '../../src/main.ts')]

export async function startProvider(lab: Lab): Promise<Running> {
  const folder = mkdtempSync(join(tmpdir(), 'latchkey-attack-lab-'))
  const clients = join(folder, 'latchkey.json')
  writeFileSync(clients, JSON.stringify(clientsFile(lab.at)))
  const options = {
    cwd: folder,
    stdin: 'ignore',
    stdout: 'ignore',
    stderr: 'pipe',
    env: {
      PATH: process.env.PATH,
      HOME: folder,
      HOST: '127.0.0.1',
      PORT: `${portOf(lab.at.provider)}`,
      ISSUER_URL: lab.at.provider,
      STORE_URL: `sqlite:${join(folder, 'lab.db')}`,
      RESOURCES: `${lab.at.notes} ${lab.at.weather}`,
      RATE_LIMITING_ENABLED: 'false',
      LOG_FORMAT: 'json',
      CLASSIC_SECRET: classicSecret,
    },
  } as const
  const remove = () => rmSync(folder, { recursive: true, force: true })
  const apply = Bun.spawn([...latchkey, 'apply', '--yes', '-f', clients], options)
  const problem = await new Response(apply.stderr).text()
  if ((await apply.exited) !== 0) {
    remove()
    throw new Error(`Latchkey did not take the clients of the lab:\n${problem}`)
  }
  const server = Bun.spawn([...latchkey, 'serve'], options)
  const stop = async () => {
    server.kill()
    await server.exited
    remove()
  }
  const lines = linesOf(server.stderr)
  const started = await firstLine(lines, '"event":"started"')
  if (started !== undefined) {
    void follow(lines, lab)
    return { stop }
  }
  await stop()
  throw new Error(`Latchkey did not start at ${lab.at.provider}: is its port in use?`)
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

async function firstLine(lines: AsyncGenerator<string>, part: string): Promise<string | undefined> {
  for (;;) {
    const { value, done } = await lines.next()
    if (done) return undefined
    if (value.includes(part)) return value
  }
}

/** The log of the provider says what it refused, and by which rule. */
async function follow(lines: AsyncGenerator<string>, lab: Lab): Promise<void> {
  for await (const line of lines) {
    const { event, rule = '', problem, expected = '', path = '' } = JSON.parse(line) as Record<string, string>
    if (event?.endsWith('_reused')) lab.note({ what: 'provider saw a replay', event })
    if (event === 'refused') lab.note({ what: 'provider refused', rule, problem: problem ?? expected, path })
  }
}
