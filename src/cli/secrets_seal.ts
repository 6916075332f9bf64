/** `latchkey secrets seal` and `unseal`: encrypt or decrypt a store while servers use it. docs/operations.md, "A store that is encrypted later" */
import type { Config } from '../config.ts'
import { type MoveMark, unfinishedKey } from '../store/moving/mark.ts'
import { requireSharedStore, storeLocation } from './administration.ts'
import { auditPlain } from './audit_trail.ts'
import { type Answer, defineCommand } from './command.ts'
import { Refusal } from './failure.ts'
import { heldBy } from './migrate/marks.ts'
import { moveWhileServing } from './migrate/online.ts'
import type { Backends } from './migrate/stores.ts'
import { newStore, openSides, readSettings } from './open.ts'
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

async function change(way: Way, gone: readonly string[]): Promise<Answer> {
  const { config } = await readSettings()
  requireSettings(config, way)
  if ((await newStore(config)) !== undefined)
    throw new Refusal(`${storeLocation(config)} does not exist yet: set STORE_ENCRYPTION=${words[way].set}, and start`)
  const both = await openSides(config)
  try {
    const { done, set } = words[way]
    const held = await heldBy(both.from)
    const isOpen = isNeeded(both, way, held?.mark)
    const records = isOpen ? await moveWhileServing(both, { gone, progress }) : 0
    // Of a run that was killed as its last step.
    if (!isOpen && held?.mark.role === 'target') await both.from.plain.take(unfinishedKey)
    if (isOpen) await auditPlain(both.to, { change: words[way].change, records })
    return {
      facts: { store: storeLocation(config), encrypted: way === 'seal', records },
      show() {
        print(
          isOpen
            ? `${done} ${records} records of ${storeLocation(config)}; nothing is left that is not`
            : `${storeLocation(config)} is ${done} already`,
        )
        print(`Set STORE_ENCRYPTION=${set}, and restart one server after the other.`)
      },
    }
  } finally {
    await both.from.plain.close()
  }
}

const options = {
  gone: {
    type: 'string',
    multiple: true,
    value: 'NAME',
    help: 'This process did not leave in order, and has ended',
  },
} as const

export const seal = defineCommand({
  takes: [],
  options,
  run: ({ gone = [] }) => change('seal', gone),
})

export const unseal = defineCommand({
  takes: [],
  options,
  run: ({ gone = [] }) => change('unseal', gone),
})
