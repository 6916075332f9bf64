/** What a server does before it listens: it looks at what its store may lose, and prepares development. */
import type { Config } from '../config.ts'
import { SettingFault } from '../config/setting_fault.ts'
import type { KeyRing } from '../models/key_ring.ts'
import { writePemFiles } from '../models/pem_files.ts'
import { readEnvironment, storeVariable } from './environment.ts'
import { requireNone } from './folders.ts'
import { type Opened, refusedConcern } from './open.ts'
import { seedDemo } from './seed_demo.ts'

export async function lookAtStore({ config, store, log }: Opened): Promise<void> {
  const { refused, accepted } = refusedConcern(config, (await store.concerns?.()) ?? [])
  requireNone(storeVariable(readEnvironment().env), refused)
  for (const { name, text } of accepted) log.warn('store_may_lose_records', { concern: name, problem: text })
}

export async function prepareDevelopment(
  { privateKeyPath, publicKeyPath }: Config,
  opened: Opened,
  keys: KeyRing,
): Promise<void> {
  await seedDemo(opened)
  if (privateKeyPath === undefined || publicKeyPath === undefined) return
  const names = `PRIVATE_KEY_PATH=${privateKeyPath} and PUBLIC_KEY_PATH=${publicKeyPath}`
  await writePemFiles(keys, { private: privateKeyPath, public: publicKeyPath }).catch((error: Error) => {
    throw new SettingFault('PUBLIC_KEY_PATH', `${names} cannot be written: ${error.message}`)
  })
}
