/** `latchkey rollback`: applies the file of an earlier version again. Ended tokens and replaced secrets do not come back. docs/configuration_files.md */
import type { Context } from '../../contracts/context.ts'
import { Applied, type Document, type Entry, type State } from '../../models/applied.ts'
import { type Answer, defineCommand } from '../command.ts'
import { Refusal } from '../failure.ts'
import type { Scene } from '../administration.ts'
import { moment, printable, printList } from '../output.ts'
import { answerTo, yesOption } from './apply.ts'
import { carryOut, secretsFileOption } from './carry_out.ts'
import { makePlan } from './make_plan.ts'
import { contextUnder } from './scene.ts'
import { Problems } from './source.ts'
import { rulesOf, withApplied } from './plan.ts'
import type { Wanted } from './wanted.ts'

export const rollback = defineCommand({
  takes: ['[VERSION]'],
  failsWithOne: true,
  options: {
    list: { type: 'boolean', help: 'List the versions that the store keeps (APPLY_HISTORY)' },
    ...yesOption,
    ...secretsFileOption,
  },
  run({ list, yes = false, 'generated-to': secretsFile }, [text]) {
    if (list && text !== '') throw new Refusal('--list goes without a version')
    return withApplied(async (context, scene) => {
      const state = await Applied.open(context)
      if (list) return listed(state)
      const entry = entryOf(state, text)
      const document = await Applied.documentOf(context, entry)
      if (!document) throw new Refusal(`the file of version ${entry.version} cannot be read any more`)
      const plan = await planOf(document, context, scene)
      return answerTo(plan, yes, `add --yes to go back to version ${entry.version}`, () =>
        carryOut(plan, { what: 'rollback', to: entry.version }, secretsFile, context),
      )
    })
  },
})

/** Without a version the one before the present one. */
function entryOf(state: State, text: string): Entry {
  const { history, version } = state
  const wanted = text === '' ? history.at(-2)?.version : /^\d{1,9}$/.test(text) ? Number(text) : undefined
  const found = history.find((each) => each.version === wanted)
  if (found) return found
  const kept = history.map((each) => each.version).join(', ') || 'none'
  throw new Refusal(
    `expected one of the versions that the store keeps (${kept}; ${version} is the present one), got ${text === '' ? 'none' : printable(text)}: latchkey rollback --list shows them`,
  )
}

const nowhere = { line: 1, column: 1 }

async function planOf(document: Document, context: Context, scene: Scene) {
  const wanted: Wanted = {
    file: document.file,
    clients: new Map(
      Object.entries(document.clients).map(([id, { given, secret, overlap }]) => [
        id,
        { given, secret, overlap, place: nowhere, places: {} },
      ]),
    ),
    settings: document.settings,
    settingPlaces: {},
  }
  const { file } = document
  const under = await contextUnder(wanted, scene, new Problems(file), context)
  const options = { path: file, rules: rulesOf(file, {}), isRollback: true, before: context }
  return makePlan(wanted, options, under)
}

function listed({ history, version }: State): Answer {
  const rows = history.toReversed().map((entry) => ({
    version: entry.version,
    applied_at: moment(entry.at),
    what: entry.to === undefined ? entry.what : `${entry.what} to ${entry.to}`,
    file: entry.file,
    by: entry.operator,
    created: entry.created,
    changed: entry.changed,
    removed: entry.removed,
    present: entry.version === version,
  }))
  return {
    facts: rows,
    show: () =>
      printList(
        ['VERSION', 'APPLIED', 'WHAT', 'FILE', 'BY', 'CREATED', 'CHANGED', 'REMOVED'],
        rows.map((each) => Object.values(each).slice(0, 8)),
        'no file was applied; latchkey apply makes the first version',
      ),
  }
}
