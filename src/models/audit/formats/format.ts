/** The formats of exports and streams, one row each. Each makes one line of JSON from an entry. docs/audit.md */
import type { Entry } from '../entry.ts'
import { ecs } from './ecs.ts'
import { ocsf } from './ocsf.ts'
import type { Origin } from './origin.ts'

export type { Origin } from './origin.ts'

interface Outgoing {
  entry: Entry
  line: string
}

export type Write = (each: Outgoing, origin: Origin) => string

export type FormatName = 'json' | 'ocsf' | 'ecs'

export const formats: Readonly<Record<FormatName, Write>> = {
  /** As in the store, so that the MACs can be checked. */
  json: ({ line }) => line,
  ocsf: ({ entry }, origin) => JSON.stringify(ocsf(entry, origin)),
  ecs: ({ entry }, origin) => JSON.stringify(ecs(entry, origin)),
}
