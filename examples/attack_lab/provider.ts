/** Latchkey for the lab: the clients come from a file, the store and the keys are in a folder that goes with the lab. */
import { spawnLatchkey } from '../start/latchkey.ts'
import { portOf } from './addresses.ts'
import { classicSecret, clientsFile } from './clients.ts'
import type { Lab, Running } from './lab.ts'
import { providerLog } from './provider_log.ts'

export interface RunningProvider extends Running {
  /** Resolves when everything that Latchkey has answered so far is in the facts. */
  caughtUp(): Promise<void>
}

export async function startProvider(lab: Lab): Promise<RunningProvider> {
  const { stderr, stop } = await spawnLatchkey(portOf(lab.at.provider), clientsFile(lab.at), {
    HOST: '127.0.0.1',
    ISSUER_URL: lab.at.provider,
    RESOURCES: `${lab.at.notes} ${lab.at.weather}`,
    RATE_LIMITING_ENABLED: 'false',
    LAB: 'true',
    // A reader needs time between two commands; RFC 6749 §4.1.2 allows ten minutes.
    AUTHORIZATION_CODE_TTL: '600',
    CLASSIC_SECRET: classicSecret,
  })
  const log = providerLog(stderr, lab)
  if (await log.started()) {
    void log.follow()
    return { stop, caughtUp: log.caughtUp }
  }
  await stop()
  throw new Error(`Latchkey did not start at ${lab.at.provider}: is its port in use?`)
}
