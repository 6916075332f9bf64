/** `latchkey secrets seal` and `unseal`: encrypt or decrypt a store while servers use it. docs/operations.md, "A store that is encrypted later" */
import type { Config } from '../config.ts'
import { systemClock } from '../lib/clock.ts'
import { presentBeside } from '../models/presence.ts'
import { type MoveMark, unfinishedKey } from '../store/moving/mark.ts'
import { requireSharedStore } from './administration.ts'
import { storeLocation } from './store_location.ts'
import { auditPlain } from './audit_trail.ts'
import { isEmpty } from './backup/fill.ts'
import { type Answer, defineCommand } from './command.ts'
import { Refusal, UsageError } from './failure.ts'
import { heldBy } from './migrate/marks.ts'
import { moveWhileServing } from './migrate/online.ts'
import type { Backends } from './migrate/stores.ts'
import { openSides, readSettings } from './open.ts'
import { newStore, openWhole } from './open_store.ts'
import { print } from './output.ts'

type Way = 'seal' | 'unseal'

const words = {
  seal: { done: 'encrypted', set: 'true', change: 'store_encrypted', other: 'unseal' },
  unseal: { done: 'decrypted', set: 'false', change: 'store_decrypted', other: 'seal' },
} as const

function requireSettings(config: Config, way: Way): void {
  requireSharedStore(config)
  if (config.storeEncryption === 'migrate') return
  throw new Refusal(
    config.storeEncryption === words[way].set
      ? `STORE_ENCRYPTION is ${config.storeEncryption}, so the store is ${words[way].done} already`
      : `STORE_ENCRYPTION is ${config.storeEncryption}: set it to migrate on every instance, one after the other, and for this command`,
  )
}

/** Whether there is something to do. Throws Refusal for a change in the other direction that has not ended. */
function isNeeded({ from, to }: Backends, way: Way, mark: MoveMark | undefined): boolean {
  if (to.plain.seals === (way === 'seal')) return true
  if (mark?.role === 'source')
    throw new Refusal(
      `the store is being ${words[words[way].other].done}: run latchkey secrets ${words[way].other} until it ends`,
    )
  if (way === 'unseal' && from.plain.seals)
    throw new Refusal(
      'the values of this store were sealed by a release that did not encrypt the names of records: run latchkey secrets seal first',
    )
  return false
}

const progress = (text: string): void => void process.stderr.write(`${text}\n`)

interface Wish {
  gone?: readonly string[] | undefined
  overwrite?: boolean | undefined
}

/** What was removed is in files of the backend until that uses their place again. */
const remains = {
  sqlite: 'latchkey secrets seal --overwrite rewrites the file',
  postgres: 'VACUUM FULL latchkey.entries, latchkey.members rewrites the tables',
  redis: 'BGSAVE and BGREWRITEAOF make new files',
  memory: '',
} as const

async function overwriteRemoved(config: Config): Promise<void> {
  const whole = await openWhole(config, systemClock)
  try {
    await whole.overwriteRemoved?.()
  } finally {
    await whole.close()
  }
}

async function change(way: Way, { gone = [], overwrite = false }: Wish): Promise<Answer> {
  const { config } = await readSettings()
  requireSettings(config, way)
  const { done, set } = words[way]
  if ((await newStore(config)) !== undefined)
    throw new Refusal(`${storeLocation(config)} does not exist yet: set STORE_ENCRYPTION=${set}, and start`)
  if (overwrite && config.store.kind !== 'sqlite')
    throw new UsageError(`--overwrite is for SQLite. Here ${remains[config.store.kind]}`)
  const both = await openSides(config)
  const moved = await changeBetween(both, way, gone).finally(() => both.from.plain.close())
  if (overwrite) await overwriteRemoved(config)
  const facts = { store: storeLocation(config), encrypted: way === 'seal', records: moved ?? 0 }
  return {
    facts,
    show() {
      print(
        moved === undefined
          ? `${facts.store} is ${done} already`
          : `${done} ${moved} records of ${facts.store}; nothing is left that is not`,
      )
      print(`Set STORE_ENCRYPTION=${set}, and restart one server after the other.`)
      if (way === 'seal' && !overwrite)
        print(`Files and backups of before have the data as it was: ${remains[config.store.kind]}.`)
    },
  }
}

/** The number of records that this run has moved; undefined where all of them were in their place. */
async function changeBetween(both: Backends, way: Way, gone: readonly string[]): Promise<number | undefined> {
  const held = await heldBy(both.from)
  if (!isNeeded(both, way, held?.mark)) {
    // Of a run that was killed as its last step.
    if (held?.mark.role === 'target') await both.from.plain.take(unfinishedKey)
    return undefined
  }
  // One that was stopped after its last record has a mark.
  if (!held && (await isEmpty(both.from.plain))) return withoutData(both, way)
  const records = await moveWhileServing(both, { gone, progress })
  await auditPlain(both.to, { change: words[way].change, records })
  return records
}

/** A store that was set up with an encryption and never used may be used without. */
async function withoutData({ from, to }: Backends, way: Way): Promise<undefined> {
  const [present] = await presentBeside(from.plain, [])
  if (present !== undefined)
    throw new Refusal(`the store has no data, and ${present} uses it: stop it, and try again`)
  if (way === 'seal')
    throw new Refusal(
      `${storeLocation(from.config)} has no data: set STORE_ENCRYPTION=true, and start. Is it the store of the server?`,
    )
  await to.plain.take(unfinishedKey)
}

const gone = {
  type: 'string',
  multiple: true,
  value: 'NAME',
  help: 'This process did not leave in order, and has ended',
} as const

export const seal = defineCommand({
  takes: [],
  options: {
    gone,
    overwrite: {
      type: 'boolean',
      help: 'Then rewrite the file of SQLite, so that nothing removed is left in it. Requests wait for it',
    },
  },
  run: (wish) => change('seal', wish),
})

export const unseal = defineCommand({
  takes: [],
  options: { gone },
  run: (wish) => change('unseal', wish),
})
