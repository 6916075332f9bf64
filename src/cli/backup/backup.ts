/** `latchkey backup`: writes what the store keeps into one encrypted file, while instances run. docs/operations.md, "Backup" */
import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { keyRingSecret } from '../../app.ts'
import type { Config } from '../../config.ts'
import { createHash } from 'node:crypto'
import { hasData } from '../../models/birth.ts'
import { LastBackup } from '../../models/last_backup.ts'
import { requireReadable } from '../../models/readable_keys.ts'
import type { Found, Store } from '../../store/store.ts'
import { version } from '../../version.ts'
import { requireSharedStore, storeLocation, withPlain } from '../administration.ts'
import { auditPlain } from '../audit_trail.ts'
import { type Answer, defineCommand } from '../command.ts'
import { Refusal, UsageError } from '../failure.ts'
import { encrypted, newStore, type OpenedPlain, readSettings } from '../open.ts'
import { print } from '../output.ts'
import { type About, writeContent } from './content.ts'
import { keepNewest, nameAt, writeNew } from './files.ts'
import { type Contents, isKept } from './kinds.ts'
import { sealFile } from './sealed_file.ts'
import { trailOf } from './trail.ts'

const most = 10_000

function keepOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  const count = Number(text)
  if (/^\d+$/.test(text) && count >= 1 && count <= most) return count
  throw new UsageError(`--keep: expected a number from 1 to ${most}`)
}

const isFolder = async (path: string): Promise<boolean> =>
  path.endsWith('/') || ((await stat(path).catch(() => undefined))?.isDirectory() ?? false)

export const backupKeyOf = ({ backupKey }: Config): string => {
  if (backupKey !== undefined) return backupKey
  throw new Refusal(
    'BACKUP_KEY is not set: it encrypts the backup. Make one with openssl rand -base64 48, and keep it apart from the backups',
  )
}

export const backup = defineCommand({
  takes: [],
  options: {
    to: {
      type: 'string',
      value: 'PATH',
      help: 'The file to write, or a folder that gets a file named by time',
    },
    only: { type: 'string', value: 'configuration', help: 'Only clients and signing keys, no accounts' },
    keep: { type: 'string', value: 'N', help: 'Then delete all but the N newest backups of that folder' },
  },
  async run({ to, only, keep }) {
    if (to === undefined) throw new UsageError('--to is missing: name a file, or a folder')
    if (only !== undefined && only !== 'configuration') throw new UsageError('--only: expected configuration')
    const [folder, count] = [await isFolder(to), keepOf(keep)]
    if (count !== undefined && !folder) throw new UsageError('--keep goes with a folder: --to FOLDER/')
    const { config } = await readSettings()
    const secret = backupKeyOf(config)
    const contents = only ?? 'everything'
    requireSharedStore(config)
    if ((await newStore(config)) !== undefined)
      throw new Refusal(`${storeLocation(config)} does not exist yet, so there is nothing to back up`)
    return withPlain(config, async (opened) => {
      const path = folder ? join(to, nameAt(opened.clock.now())) : to
      // First: what is in a file that was written cannot be taken back.
      const begin = () => auditPlain(opened, { change: 'backup_made', changed: [contents] })
      const made = await make(opened, { secret, contents, path, begin })
      const removed = count === undefined ? [] : await keepNewest(to, count)
      return answer({ file: path, ...made, removed })
    })
  },
})

function answer(facts: { file: string; records: number; sha256: string; removed: string[] }): Answer {
  const { file, records, sha256, removed } = facts
  return {
    facts,
    show() {
      print(`wrote ${file} with ${records} records, SHA-256 ${sha256}`)
      for (const each of removed) print(`deleted ${each}`)
    },
  }
}

interface Making {
  secret: string
  contents: Contents
  path: string
  /** Called when nothing speaks against it, before the file is written. */
  begin?(): Promise<void>
}

/** Resolves when the file is on the disk. */
export async function make(
  { config, clock, log, plain }: OpenedPlain,
  { secret, contents, path, begin }: Making,
) {
  const store = await encrypted(plain, config)
  await requireReadable(store, plain, keyRingSecret(config.secretKey))
  if (!(await hasData(store)))
    throw new Refusal(`${storeLocation(config)} has no data: is it the store of the server?`)
  await begin?.()
  const about: About = {
    backup: 1,
    made_at: clock.now(),
    version,
    issuer: config.issuer,
    contents,
    sealed: config.storeEncryption,
  }
  let records = 0
  const now = () => clock.now()
  const text = writeContent(about, kept(plain, contents), { now, counted: (count) => void (records = count) })
  const hash = createHash('sha256')
  await writeNew(path, hashed(sealFile(secret, text), hash))
  await LastBackup.put({ store, clock, log }, { made_at: Math.floor(about.made_at / 1000), contents })
  return { records, sha256: hash.digest('hex') }
}

async function* kept(plain: Store, contents: Contents): AsyncGenerator<readonly Found[]> {
  const trail = await trailOf(plain)
  yield trail.ends.filter((found) => isKept(found, contents))
  for await (const page of plain.scan())
    yield page.filter((found) => isKept(found, contents) && trail.isIn(found))
}

async function* hashed(parts: AsyncIterable<Uint8Array>, hash: ReturnType<typeof createHash>) {
  for await (const part of parts) {
    hash.update(part)
    yield part
  }
}
