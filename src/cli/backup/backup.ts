/** `latchkey backup`: writes what the store keeps into one encrypted file, while instances run. docs/operations.md, "Backup" */
import { createHash } from 'node:crypto'
import { keyRingSecret } from '../../app.ts'
import type { Config } from '../../config.ts'
import type { Env } from '../../config/read.ts'
import { systemClock } from '../../lib/clock.ts'
import { hasData } from '../../models/birth.ts'
import { LastBackup } from '../../models/last_backup.ts'
import { requireReadable } from '../../models/readable_keys.ts'
import type { Found, Store } from '../../store/store.ts'
import { version } from '../../version.ts'
import { requireSharedStore, withPlain } from '../administration.ts'
import { storeLocation } from '../store_location.ts'
import { auditPlain } from '../audit_trail.ts'
import { type Answer, defineCommand } from '../command.ts'
import { Refusal, UsageError } from '../failure.ts'
import { encrypted, type OpenedPlain, readSettings } from '../open.ts'
import { newStore } from '../open_store.ts'
import { print } from '../output.ts'
import { readTime } from '../time_option.ts'
import { type About, writeContent } from './content.ts'
import { fileTarget } from './files.ts'
import { type Contents, isKept } from './kinds.ts'
import { keepNewest, nameAt, type Place, type Target } from './place.ts'
import { type Due, repeat } from './schedule.ts'
import { sealFile } from './sealed_file.ts'
import { type KeptRealms, keptRealms } from './realms.ts'
import { trailsOf } from './trail.ts'
import { verify } from './verify.ts'

const most = 10_000
const day = 86_400

function keepOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  const count = Number(text)
  if (/^\d+$/.test(text) && count >= 1 && count <= most) return count
  throw new UsageError(`--keep: expected a number from 1 to ${most}`)
}

export const backupKeyOf = ({ backupKey }: Config): string => {
  if (backupKey !== undefined) return backupKey
  throw new Refusal(
    'BACKUP_KEY is not set: it encrypts the backup. Make one with openssl rand -base64 48, and keep it apart from the backups',
  )
}

/** A file, a folder, or a place in a bucket. S3 is loaded for the last alone. */
export async function targetOf(path: string, env: Env, stallSeconds = 60): Promise<Target> {
  if (!path.startsWith('s3://')) return fileTarget(path)
  return (await import('./s3.ts')).s3Target(path, env, stallSeconds * 1000)
}

interface Wish {
  to: string
  contents: Contents
  keep: number | undefined
  stall: number
}

export const backup = defineCommand({
  takes: [],
  options: {
    to: {
      type: 'string',
      value: 'PATH',
      help: 'The file to write, or a folder that gets a file named by time; also s3://BUCKET/FOLDER/',
    },
    only: {
      type: 'string',
      value: 'configuration',
      help: 'Only clients, signing keys and realms, no accounts',
    },
    keep: { type: 'string', value: 'N', help: 'Then delete all but the N newest backups of that folder' },
    every: {
      type: 'string',
      value: 'TIME',
      help: 'Go on, with a backup each TIME, such as 24h. Of several such processes one makes it',
    },
    once: { type: 'boolean', help: 'With --every: make the one that is due, if there is one, and end' },
    timeout: { type: 'string', value: 'TIME', help: 'How long S3 may be silent. Default: 60s' },
  },
  async run({ to, only, keep, every, once = false, timeout, json = false }) {
    if (to === undefined)
      throw new UsageError('--to is missing: name a file, a folder, or s3://BUCKET/FOLDER/')
    if (only !== undefined && only !== 'configuration') throw new UsageError('--only: expected configuration')
    if (once && every === undefined) throw new UsageError('--once goes with --every')
    const seconds = every === undefined ? undefined : readTime('every', every, 366 * day)
    const stall = timeout === undefined ? 60 : readTime('timeout', timeout, day)
    const wish: Wish = { to, contents: only ?? 'everything', keep: keepOf(keep), stall }
    if (seconds === undefined) return answer((await makeOne(wish))!)
    const run = (due: Due) => makeOne(wish, due)
    return repeat({ seconds, once, json, answer, run, contents: wish.contents, clock: systemClock })
  },
})

export interface Made {
  file: string
  records: number
  sha256: string
  removed: string[]
}

/** Undefined when `due` does not run it. */
async function makeOne({ to, contents, keep, stall }: Wish, due?: Due): Promise<Made | undefined> {
  const { config, environment } = await readSettings()
  const secret = backupKeyOf(config)
  requireSharedStore(config)
  const { place, name } = await targetOf(to, environment.env, stall)
  if (name !== undefined && (keep !== undefined || due))
    throw new UsageError(`${due ? '--every' : '--keep'} goes with a folder: --to ${to}/`)
  if ((await newStore(config)) !== undefined)
    throw new Refusal(`${storeLocation(config)} does not exist yet, so there is nothing to back up`)
  return withPlain(config, async (opened) => {
    // First: what is in a file that was written cannot be taken back.
    const begin = () => auditPlain(opened, { change: 'backup_made', changed: [contents] })
    const run = async (): Promise<Made> => {
      const file = name ?? nameAt(opened.clock.now())
      const made = await make(opened, { secret, contents, place, name: file, begin })
      const removed = keep === undefined ? [] : await keepNewest(place, keep)
      return { file: place.shown(file), ...made, removed }
    }
    return due ? due(opened, run) : run()
  })
}

function answer(facts: Made): Answer {
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
  place: Place
  name: string
  /** Called when nothing speaks against it, before the file is written. */
  begin?(): Promise<void>
}

/** Resolves when the file is in its place, and what is read there is what was written. */
export async function make(
  { config, clock, log, plain }: OpenedPlain,
  { secret, contents, place, name, begin }: Making,
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
    sealed: config.storeEncryption === 'true',
  }
  let records = 0
  const now = () => clock.now()
  const all = kept(plain, await keptRealms({ store, clock, log }), contents)
  const text = writeContent(about, all, { now, counted: (count) => void (records = count) })
  const hash = createHash('sha256')
  await place.write(name, hashed(sealFile(secret, text), hash))
  const sha256 = hash.digest('hex')
  await verify({ place, name, secret, sha256, now: about.made_at })
  await LastBackup.put({ store, clock, log }, { made_at: Math.floor(about.made_at / 1000), contents })
  return { records, sha256 }
}

async function* kept(plain: Store, realms: KeptRealms, contents: Contents): AsyncGenerator<readonly Found[]> {
  const trail = await trailsOf(plain, realms.ids)
  yield trail.ends.filter((found) => isKept(found, contents))
  for await (const page of plain.scan())
    yield page.filter((found) => isKept(found, contents) && realms.isIn(found) && trail.isIn(found))
}

async function* hashed(parts: AsyncIterable<Uint8Array>, hash: ReturnType<typeof createHash>) {
  for await (const part of parts) {
    hash.update(part)
    yield part
  }
}
