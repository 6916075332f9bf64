/** `latchkey migrate`: moves all data from one store to another, of any two backends. docs/operations.md, "Another store" */
import { auditPlain } from '../audit_trail.ts'
import { type Answer, defineCommand } from '../command.ts'
import { gone } from '../gone_option.ts'
import { print, printTable } from '../output.ts'
import { abort as undo, placesOf, standing } from './abort.ts'
import { move } from './move.ts'
import { moveWhileServing } from './online.ts'
import { type Backends, withStores } from './stores.ts'

const stores = {
  from: { type: 'string', value: 'URL', help: 'The store with the data, or @FILE with its URL' },
  to: { type: 'string', value: 'URL', help: 'An empty store, or @FILE with its URL' },
} as const

/** Beside the answer, so that JSON stays whole. */
const progress = (words: string): void => void process.stderr.write(`${words}\n`)

export const migrate = defineCommand({
  takes: [],
  options: {
    ...stores,
    'while-serving': { type: 'boolean', help: 'All servers have STORE_MOVE_TO, and go on' },
    gone,
  },
  run: ({ from, to, 'while-serving': serving = false, gone: names = [] }) =>
    withStores({ from, to }, async (both) => {
      if (serving) return moveBeside(both, names)
      const { records, kinds } = await move(both, { gone: names, progress })
      const { from: source, to: target } = placesOf(both)
      await auditPlain(both.to, { change: 'store_moved', changed: [source, target], records })
      return {
        facts: { from: source, to: target, records, kinds },
        show() {
          printTable(
            ['KIND', 'RECORDS', 'SHA-256'],
            kinds.map(({ kind, records: count, sha256 }) => [kind, count, sha256.slice(0, 16)]),
          )
          print(`\nmoved ${records} records from ${source} to ${target}; both stores were compared`)
          print('Set STORE_URL to the new store and start the servers. The old one is not served any more.')
        },
      }
    }),
})

async function moveBeside(both: Backends, names: readonly string[]): Promise<Answer> {
  const records = await moveWhileServing(both, { gone: names, progress })
  const { from: source, to: target } = placesOf(both)
  await auditPlain(both.to, { change: 'store_moved', changed: [source, target], records })
  return {
    facts: { from: source, to: target, records },
    show() {
      print(`moved ${records} records from ${source} to ${target}; nothing is left in the source`)
      print('Set STORE_URL to the new store, remove STORE_MOVE_TO, and restart one server after the other.')
    },
  }
}

export const status = defineCommand({
  takes: [],
  options: stores,
  run: ({ from, to }) =>
    withStores({ from, to }, async (both) => {
      const facts = await standing(both)
      return { facts }
    }),
})

export const abort = defineCommand({
  takes: [],
  options: { ...stores, gone },
  run: ({ from, to, gone: names = [] }) =>
    withStores({ from, to }, async (both) => {
      await undo(both, names)
      const { from: source, to: target } = placesOf(both)
      await auditPlain(both.from, { change: 'store_move_undone', changed: [source, target] })
      return {
        facts: { from: source, to: target, undone: true },
        show: () => print(`undone: ${source} may be served again, and ${target} is empty`),
      }
    }),
})
