/** The short cache of client records, because most requests ask for one twice. */
import { type Cache, createCache } from '../lib/cache.ts'
import type { Clock } from '../lib/clock.ts'
import type { Client } from '../models/client.ts'

/** Milliseconds a client record is cached: all instances use a changed client after this time. */
const lifetimeMs = 1_000
/** About five bytes of memory for each character of the record. */
const bytesOf = (client: Client): number => 5 * JSON.stringify(client).length + 500

export const createClientCache = (clock: Clock): Cache<Client> =>
  createCache(clock, { lifetime: lifetimeMs, maxBytes: 16_777_216, bytesOf })
