/** `latchkey apply`: the store gets what a configuration file says, all or nothing. docs/configuration_files.md */
import { type Context } from '../../contracts/context.ts'
import { Applied } from '../../models/applied.ts'
import { Client } from '../../models/client.ts'
import { defineCommand } from '../command.ts'
import { type Answer } from '../command.ts'
import { Refusal } from '../failure.ts'
import { print, printable } from '../output.ts'
import { carryOut, type Done, printDone, secretsFileOption } from './carry_out.ts'
import { lostNothing } from './lost.ts'
import { isEmpty, type Plan } from './make_plan.ts'
import { defaultFile, fileOption, planOfFile, rulesOf, secretRuleOptions, withApplied } from './plan.ts'
import { openSaved } from './saved_plan.ts'
import { shownPlan } from './show_plan.ts'

export const yesOption = { yes: { type: 'boolean', help: 'Confirm the changes' } } as const

/** The words of a plan, and what was done. Throws Refusal without a confirmation. */
export async function answerTo(
  plan: Plan,
  isConfirmed: boolean,
  again: string,
  run: () => Promise<Done>,
): Promise<Answer> {
  const { facts, show } = await shownPlan(plan)
  if (isEmpty(plan)) return { facts: { ...facts, applied: false }, show }
  if (!isConfirmed) {
    const refusal = new Refusal(`nothing was changed: ${again}`)
    return { facts: { ...facts, applied: false }, show, failure: refusal }
  }
  const done = await run()
  return {
    facts: { ...facts, applied: true, version: done.version, secrets_unseen: done.unseen },
    show() {
      show()
      printDone(done)
    },
  }
}

export const apply = defineCommand({
  takes: [],
  failsWithOne: true,
  options: {
    ...fileOption,
    plan: { type: 'string', value: 'PLAN', help: 'Apply a saved plan, if nothing has moved since' },
    ...yesOption,
    ...secretsFileOption,
    release: {
      type: 'string',
      multiple: true,
      value: 'CLIENT_ID',
      help: 'Take a client out of the management by the file. It stays as it is, and commands may change it',
    },
    ...secretRuleOptions,
  },
  run(options) {
    const { file, plan: saved, yes = false, release, 'generated-to': secretsFile } = options
    if (saved !== undefined && file !== undefined)
      throw new Refusal('expected either --file or --plan: a saved plan says which file it is of')
    if (release !== undefined) {
      if (saved !== undefined || file !== undefined)
        throw new Refusal('--release goes with neither --file nor --plan')
      return withApplied((context) => releaseClients(release, context))
    }
    return withApplied(async (context, scene) => {
      const path = file ?? defaultFile
      const rules = rulesOf(path, options)
      const plan =
        saved === undefined
          ? (await planOfFile(path, rules, context, scene)).plan
          : await openSaved(saved, rules, context, scene)
      return answerTo(
        plan,
        yes || saved !== undefined,
        'add --yes to apply this, or save it with latchkey plan --out PLAN and apply that with --plan PLAN',
        () => carryOut(plan, { what: 'apply' }, secretsFile, context),
      )
    })
  },
})

/** The file must lose the client too: the next apply would take it in again. */
async function releaseClients(ids: readonly string[], context: Context): Promise<Answer> {
  const base = await Applied.open(context)
  const known = await Applied.document(context, base)
  for (const id of ids)
    if (!Object.hasOwn(known.clients, id) && !(await Client.find(context, id))?.managed_by)
      throw new Refusal(`no file manages ${printable(id)}; latchkey drift lists the clients that one does`)
  const names = [...new Set(ids)]
  const current = await Promise.all(names.map((id) => Client.find(context, id)))
  const plan: Plan = {
    base,
    file: known.file,
    document: {
      ...known,
      clients: Object.fromEntries(Object.entries(known.clients).filter(([id]) => !names.includes(id))),
    },
    changes: names.map((client_id, i) => ({
      client_id,
      client_name: current[i]?.client_name,
      do: 'release',
      members: { managed_by: { from: current[i]?.managed_by?.file ?? null, to: null } },
      breaks: [],
    })),
    settings: [],
    breaks: [],
    lost: lostNothing,
    under: context,
    steps: names.map((client_id, i) => ({
      do: 'release',
      client_id,
      changed: ['managed_by'],
      before: [`managed_by: ${current[i]?.managed_by?.file ?? 'unset'}`],
      after: ['managed_by: unset'],
    })),
    made: {},
  }
  const done = await carryOut(plan, { what: 'release' }, undefined, context)
  return {
    facts: { released: names, version: done.version },
    show: () =>
      print(
        `${names.map(printable).join(', ')}: no file manages it any more. Take it out of ${printable(known.file)} too, or the next apply takes it in again`,
      ),
  }
}
