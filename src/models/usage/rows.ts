/** Counts by client, in bounded room: what an instance has counted, and how it is added to what the store has. docs/decisions/0083-large-tables.md */
import { addTo, mergeInto, newSketch, type Sketch } from '../../lib/sketch.ts'

export const countedKinds = ['tokens', 'sign_ins', 'refusals'] as const
export type Counted = (typeof countedKinds)[number]

export interface Row extends Record<Counted, number> {
  /** Registered by itself: such clients never take the room of those of an operator. */
  isSelf: boolean
  /** Undefined as long as nothing was added. */
  people?: Sketch
  sessions?: Sketch
}

/** By client_id. */
export type Rows = Map<string, Row>

/** The rows of clients beyond the bound, and of requests whose client is not known. No client_id has NUL. */
export const otherClients = '\0other'
export const noClient = '\0none'

export interface CountedClient {
  client_id: string
  self_registered: boolean
}

const newRow = (isSelf: boolean): Row => ({ tokens: 0, sign_ins: 0, refusals: 0, isSelf })

const isFull = (rows: Rows, isSelf: boolean, most: number): boolean => {
  const own = [...rows].filter(([id]) => id !== otherClients && id !== noClient)
  if (own.length >= most) return true
  return isSelf && own.filter(([, row]) => row.isSelf).length >= most / 2
}

/** The row of a client, made while there is room: at most `most`, and half of them for clients that registered themselves. */
export function rowOf(rows: Rows, id: string, isSelf: boolean, most: number): Row {
  const found = rows.get(id)
  if (found) return found
  const name = id === noClient || id === otherClients || !isFull(rows, isSelf, most) ? id : otherClients
  const row = rows.get(name) ?? newRow(isSelf && name === id)
  rows.set(name, row)
  return row
}

export function addSeen(row: Row, what: 'people' | 'sessions', id: string): void {
  addTo((row[what] ??= newSketch()), id)
}

export function addRow(row: Row, more: Row): void {
  for (const kind of countedKinds) row[kind] += more[kind]
  for (const what of ['people', 'sessions'] as const)
    if (more[what]) mergeInto((row[what] ??= newSketch()), more[what])
}

/** Adds all of `more`, within the bound. */
export function addRows(rows: Rows, more: Rows, most: number): void {
  for (const [id, row] of more) addRow(rowOf(rows, id, row.isSelf, most), row)
}
