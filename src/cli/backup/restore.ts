/** `latchkey restore`: fills a store from a backup, which is read to its end first. docs/deployment.md, "Restore" */
import { createHash } from 'node:crypto'
import { type FileHandle, mkdtemp, open, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { keyRingSecret } from '../../app.ts'
import type { Config } from '../../config.ts'
import type { Env } from '../../config/read.ts'
import { systemClock } from '../../lib/clock.ts'
import { requireReadable } from '../../models/readable_keys.ts'
import { sealedValue } from '../../store/sealed_value.ts'
import type { Found } from '../../store/store.ts'
import { requireSharedStore, withUnfinished } from '../administration.ts'
import { storeLocation } from '../store_location.ts'
import { auditPlain } from '../audit_trail.ts'
import { defineCommand } from '../command.ts'
import { gone } from '../gone_option.ts'
import { Refusal, UsageError } from '../failure.ts'
import { encrypted, type OpenedPlain, readSettings } from '../open.ts'
import { openBackend } from '../open_store.ts'
import { moment, print } from '../output.ts'
import { valuesKeys } from '../store_place.ts'
import { backupKeyOf, targetOf } from './backup.ts'
import { type About, type Part, readContent } from './content.ts'
import { fill, write } from './fill.ts'
import { folderPlace } from './files.ts'
import { isKept } from './kinds.ts'
import { namedByTime } from './place.ts'
import { openFile } from './sealed_file.ts'

export const restore = defineCommand({
  takes: ['FILE'],
  options: {
    replace: { type: 'boolean', help: 'Delete all that the store has, first' },
    yes: { type: 'boolean', help: 'Confirm --replace' },
    gone,
  },
  async run({ replace = false, yes = false, gone: names = [] }, [path]) {
    if (replace && !yes) throw new UsageError('--replace deletes all data of the store: add --yes to confirm')
    if (!replace && yes) throw new UsageError('--yes goes with --replace')
    if (!replace && names.length > 0) throw new UsageError('--gone goes with --replace')
    const { config, environment } = await readSettings()
    const secret = backupKeyOf(config)
    requireSharedStore(config)
    if (config.storeEncryption === 'migrate')
      throw new Refusal(
        'STORE_ENCRYPTION is migrate: a store is restored with true or false. With true, a backup that is not encrypted inside is encrypted on its way',
      )
    if (config.storeMoveTo !== undefined)
      throw new Refusal(
        'STORE_MOVE_TO is set: a store that takes part in a move is not restored. Remove it first',
      )
    return withUnfinished(config, async (target) => {
      const { about, records } = await withFile(path, environment.env, (file) =>
        restoreFrom(target, { path: file, secret, replace, gone: names }),
      )
      const facts = {
        store: storeLocation(config),
        records,
        made_at: moment(Math.floor(about.made_at / 1000)),
        contents: about.contents,
        issuer: about.issuer,
      }
      // The trail of the backup goes on with it: what was in the store before is not in it any more.
      await auditPlain(target, {
        change: 'store_restored',
        made_at: facts.made_at,
        records,
        changed: [about.contents],
      })
      return {
        facts,
        show: () =>
          print(
            `restored ${records} records of ${facts.made_at} into ${facts.store}; all sessions, tokens and links of before have ended`,
          ),
      }
    })
  },
})

/** What is in a bucket is read once, into a file that is removed: a restore reads it twice, and must get the same bytes. */
async function withFile<T>(path: string, env: Env, use: (file: string) => Promise<T>): Promise<T> {
  if (!path.startsWith('s3://')) return use(path)
  const { place, name } = await targetOf(path, env)
  if (name === undefined) {
    const newest = (await namedByTime(place)).slice(-3).map((each) => place.shown(each))
    throw new Refusal(
      newest.length === 0
        ? `${path} has no backup`
        : `expected one backup; the newest are ${newest.join(', ')}`,
    )
  }
  const folder = await mkdtemp(join(tmpdir(), 'latchkey-restore-'))
  try {
    const file = folderPlace(folder)
    await file.write('fetched', place.read(name))
    return await use(file.shown('fetched'))
  } finally {
    await rm(folder, { recursive: true })
  }
}

export interface Restoring {
  path: string
  /** BACKUP_KEY. */
  secret: string
  replace: boolean
  /** Processes that did not leave in order, and have ended by the word of the operator. */
  gone?: readonly string[]
}

/** Throws Refusal before anything is written when the file is not one that can be restored here. */
export async function restoreFrom(
  target: OpenedPlain,
  { path, secret, replace, gone: names = [] }: Restoring,
): Promise<{ about: About; records: number }> {
  const file = await open(path, 'r')
  try {
    const now = target.clock.now()
    const { about, digest } = await look(read(file, secret, now), target.config)
    const form = formOf(about, target.config)
    const records = await fill(target, again(file, { secret, now, digest, form }), { replace, gone: names })
    return { about, records }
  } finally {
    await file.close()
  }
}

/** `digest` is of the bytes read so far. */
interface Reading {
  parts: AsyncIterable<Part>
  digest(): string
}

function read(file: FileHandle, secret: string, now: number): Reading {
  const hash = createHash('sha256')
  async function* bytes(): AsyncGenerator<Uint8Array> {
    for (let at = 0; ;) {
      const buffer = Buffer.allocUnsafe(65_536)
      const { bytesRead } = await file.read(buffer, 0, buffer.length, at)
      if (bytesRead === 0) return
      at += bytesRead
      hash.update(buffer.subarray(0, bytesRead))
      yield buffer.subarray(0, bytesRead)
    }
  }
  return { parts: readContent(openFile(secret, bytes()), now), digest: () => hash.digest('hex') }
}

/** A record as the store of the settings keeps it. */
type Form = (found: Found) => Found

function formOf({ sealed }: Pick<About, 'sealed'>, config: Config): Form {
  if (sealed || config.storeEncryption !== 'true') return (found) => found
  const keys = valuesKeys(config.secretKey)
  return (found) =>
    found.kind === 'value' ? { ...found, value: sealedValue(keys, found.key, found.value) } : found
}

/** Reads all of it, so that a file which cannot be restored is refused before anything is written. */
async function look({ parts, digest }: Reading, config: Config): Promise<{ about: About; digest: string }> {
  let about: About | undefined
  const keys = await openBackend(
    { ...config, store: { kind: 'memory' }, storeMoveTo: undefined },
    systemClock,
  )
  for await (const part of parts)
    if ('about' in part) requireFit((about = part.about), config)
    else if (!about || !isKept(part.found, about.contents))
      throw new Refusal(
        'the backup has a record that no backup of this release has: use the release that made it',
      )
    else if (part.found.kind === 'value' && part.found.key === 'key_ring')
      await write(keys, formOf(about, config)(part.found))
  await requireReadable(await encrypted(keys, config), keys, keyRingSecret(config.secretKey))
  await keys.close()
  if (!about) throw new Refusal('the backup is empty')
  return { about, digest: digest() }
}

function requireFit({ sealed, issuer }: About, config: Config): void {
  if (sealed && config.storeEncryption === 'false')
    throw new Refusal(
      'the backup is of a store with STORE_ENCRYPTION=true, and it is false here: set it to true. latchkey secrets unseal decrypts a store',
    )
  if (issuer !== config.issuer)
    throw new Refusal(
      `the backup is of the issuer ${issuer}, and ISSUER_URL is ${config.issuer} here: set it to ${issuer}`,
    )
}

/** The same bytes once more. Throws at the end when they are not, so that the store stays unfinished. */
async function* again(
  file: FileHandle,
  { secret, now, digest, form }: { secret: string; now: number; digest: string; form: Form },
): AsyncGenerator<Found> {
  const reading = read(file, secret, now)
  for await (const part of reading.parts) if ('found' in part) yield form(part.found)
  if (reading.digest() !== digest)
    throw new Refusal('the file was changed while it was restored: begin again')
}
