/** The record of keys in the store, as one process knows it: read, opened, joined with what was seen before, changed by compare-and-swap. */
import { seconds } from '../lib/clock.ts'
import { createLimiter } from '../lib/limiter.ts'
import type { KeyRingOptions } from './key_ring_options.ts'
import { openKeys, type OpenKeys } from './open_keys.ts'
import * as record from './signing_keys.ts'
import { type Document, KeyRingError, recordName } from './signing_keys.ts'

export interface KeyRecord {
  open(): OpenKeys
  document(): Document
  /** Seconds by the clock that is behind: this one, or the one that all instances share. */
  sharedNow(): Promise<number>
  /**
   * Reads the record again and adopts it when it changed. Rejects with StoreUnavailable or KeyRingError; what is open then
   * stays as it was.
   */
  refresh(): Promise<void>
  /** `plan` gets the current document, again each time that another instance changed it first. */
  change(plan: (current: Document) => Document): Promise<void>
  /** Removes what has retired, and writes the record if that changed it. */
  settle(): Promise<void>
}

/** Failed compare-and-swaps before giving up. Each means that another instance succeeded, so this many mean a fault. */
const maxAttempts = 100
/** Most reads and changes that may wait for the one before them. */
const mostWaiting = 100

export function createKeyRecord(options: KeyRingOptions): KeyRecord {
  const { storage, sealingKey, clock, log, algs, retention, hints = 0, remote } = options
  const now = () => seconds(clock)
  const sharedNow = async () => Math.min(now(), Math.floor(((await storage.time?.()) ?? Infinity) / 1000))
  let text: string | undefined
  /** Whether `open` has what the record in the store lacks, because that is an older copy. */
  let isAhead = false
  let open = openKeys(record.emptyDocument, { sealingKey, remote })

  function adopt(found: string): void {
    if (found === text) return
    try {
      const theirs = record.parseDocument(found)
      const joined = record.withNewer(theirs, open.document)
      open = openKeys(joined, { sealingKey, remote }, open)
      isAhead = joined !== theirs
    } catch (cause) {
      throw text !== undefined && cause instanceof KeyRingError ? record.replacedMeanwhile(cause) : cause
    }
    text = found
  }

  /** Keys are removed for all instances: not before their time by the clock that all share. */
  async function settler() {
    const at = await sharedNow()
    return (document: Document) =>
      record.settle(document, at, { algs, retention, hints }, (kid) => open.get(kid)?.jwk())
  }

  async function change(plan: (current: Document) => Document): Promise<void> {
    const settle = await settler()
    for (let attempt = 0; attempt < maxAttempts; attempt++) {
      const before = await storage.get(recordName)
      // Opened before it is changed: an instance that cannot read the keys must not add to them.
      if (before !== undefined) adopt(before)
      const after = JSON.stringify(settle(plan(before === undefined ? record.emptyDocument : open.document)))
      if (after === before) return
      const won =
        before === undefined
          ? await storage.create(recordName, after)
          : await storage.replace(recordName, before, after)
      if (won) return adopt(after)
      // A sealed store reads as absent a value that it cannot decrypt.
      if (before === undefined && (await storage.get(recordName)) === undefined)
        throw record.wrongSecret('the record of signing keys was')
    }
    throw new KeyRingError(
      `the record of signing keys changed ${maxAttempts} times while it was being written`,
    )
  }

  async function refresh(): Promise<void> {
    const found = await storage.get(recordName)
    if (found !== undefined) adopt(found)
    const lost = found === undefined ? text : undefined
    const isRestored = lost !== undefined && (await storage.create(recordName, lost))
    if (lost !== undefined && !isRestored && (await storage.get(recordName)) === undefined)
      throw record.replacedMeanwhile() // a sealed store reads it as absent
    // This instance may have the only copy of keys that clients have cached, and an older copy a key that had leaked.
    if (isAhead || isRestored)
      log.warn('key_ring_restored', {
        reason: `the record of signing keys ${isAhead ? 'was older than before' : 'had vanished from the store'}`,
      })
    // A retired private key has no use and could be stolen, so it is deleted.
    if (isAhead || open.document.keys.some((entry) => record.isRetired(entry, now())))
      await change((current) => current)
  }

  /** One read or change at a time, so that an older read is not adopted after a newer one. */
  const inTurn = createLimiter({
    atOnce: 1,
    waiting: mostWaiting,
    refusal: () => new KeyRingError('too many reads and changes of the signing keys wait for the store'),
  })

  return {
    open: () => open,
    document: () => open.document,
    sharedNow,
    refresh: () => inTurn.run(refresh),
    change: (plan) => inTurn.run(() => change(plan)),
    settle: () =>
      inTurn.run(async () => {
        if (text !== JSON.stringify((await settler())(open.document))) await change((current) => current)
      }),
  }
}
