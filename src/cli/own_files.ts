/** Files and folders of the provider itself, by the variable that names them: KEYS_PATH, the SQLite file, the key pair of the operator. */
import { createPublicKey } from 'node:crypto'
import { existsSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import type { Config } from '../config.ts'
import { readNamed } from '../config/named_files.ts'
import { SettingFault } from '../config/setting_fault.ts'
import { readPemFile } from '../models/pem_files.ts'
import { recordName } from '../models/signing_keys.ts'
import { directoryStorage } from '../store/directory.ts'
import { folderProblem, newFileProblem, requireNone } from './folders.ts'

/** The whole path of the database file; a relative one is below the working folder, where `.env` is. Undefined for another store. */
export const databasePath = ({ store }: Config): string | undefined =>
  store.kind === 'sqlite' && !store.path.startsWith(':memory:') ? resolve(store.path) : undefined

/** The database file that the first start will make; undefined where there is one, or another store. */
export function newDatabase(config: Config): string | undefined {
  const path = databasePath(config)
  return path !== undefined && !existsSync(path) ? path : undefined
}

export const newDatabaseProblem = (config: Config): string | undefined => {
  const path = newDatabase(config)
  return path && newFileProblem(path)
}

/** Whether files are kept in KEYS_PATH: the keys of the memory store, or the key pair that development shows. */
const usesKeyFolder = (config: Config): boolean =>
  config.store.kind === 'memory' || isInKeyFolder(config, config.privateKeyPath)

const isInKeyFolder = ({ keysPath }: Config, path: string | undefined): boolean =>
  path !== undefined && dirname(resolve(path)) === resolve(keysPath)

/** A folder that has the keys is only read. */
export function keyFolderProblem(config: Config): string | undefined {
  const { keysPath, privateKeyPath, store } = config
  if (!usesKeyFolder(config)) return undefined
  const kept = store.kind === 'memory' ? join(keysPath, `${recordName}.sealed`) : privateKeyPath
  return kept !== undefined && existsSync(kept) ? undefined : folderProblem(keysPath)
}

/** Where the keys of the memory store are kept. Throws SettingFault. */
export function keyFolder(config: Config): ReturnType<typeof directoryStorage> {
  requireNone('KEYS_PATH', keyFolderProblem(config))
  return directoryStorage(config.keysPath)
}

/** The key of PRIVATE_KEY_PATH. Without RS256 it signs by PS256. Development makes a file that is missing. Throws SettingFault. */
export async function ownKey(config: Config): ReturnType<typeof readPemFile> {
  const { privateKeyPath: path, environment, signingAlgs, signingKeySources } = config
  const alg = signingAlgs.includes('RS256') ? 'RS256' : 'PS256'
  // Production refuses both. Development has a path by default, and its file may have the key of before.
  if (path === undefined || signingKeySources[alg] !== undefined) return []
  if (environment === 'development') {
    requireNone('KEYS_PATH', keyFolderProblem(config))
    if (!existsSync(path)) return []
  }
  readNamed('PRIVATE_KEY_PATH', path)
  try {
    return await readPemFile(path, alg)
  } catch (error) {
    throw new SettingFault('PRIVATE_KEY_PATH', error instanceof Error ? error.message : String(error))
  }
}

/** Development writes both files. Production reads the private one alone, and a public one that is there must belong to it. */
export async function publicKeyProblem(config: Config): Promise<string | undefined> {
  const { publicKeyPath: path, environment } = config
  if (path === undefined || isInKeyFolder(config, path)) return undefined
  if (environment === 'development' && !existsSync(path)) return folderProblem(dirname(path))
  const pem = readNamed('PUBLIC_KEY_PATH', path)
  const [own] = await ownKey(config)
  if (environment === 'development' || own === undefined) return undefined
  return publicKeyOf(pem)?.equals(createPublicKey(own.key))
    ? undefined
    : `expected the public key of PRIVATE_KEY_PATH in PEM, got another one in ${path}. Make it: openssl pkey -in PRIVATE_KEY -pubout`
}

function publicKeyOf(pem: string) {
  try {
    return createPublicKey(pem)
  } catch {
    return undefined
  }
}
