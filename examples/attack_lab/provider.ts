/** Latchkey for the lab: the clients come from a file, the store and the keys are in a folder that goes with the lab. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { portOf } from './addresses.ts'
import { classicSecret, clientsFile } from './clients.ts'
import type { Lab, Running } from './lab.ts'
import { providerLog } from './provider_log.ts'

const latchkey = ['bun', join(import.meta.dir, '../../src/main.ts')]

export interface RunningProvider extends Running {
  /** Resolves when everything that Latchkey has answered so far is in the facts. */
  caughtUp(): Promise<void>
}

export async function startProvider(lab: Lab): Promise<RunningProvider> {
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
      LAB: 'true',
      // A reader needs time between two commands; RFC 6749 §4.1.2 allows ten minutes.
      AUTHORIZATION_CODE_TTL: '600',
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
  const log = providerLog(server.stderr, lab)
  if (await log.started()) {
    void log.follow()
    return { stop, caughtUp: log.caughtUp }
  }
  await stop()
  throw new Error(`Latchkey did not start at ${lab.at.provider}: is its port in use?`)
}
