/** `latchkey plan`: what a configuration file would change, and what would break for whom. docs/configuration_files.md */
import { finishApply } from '../../clients/apply_steps.ts'
import type { Context } from '../../contracts/context.ts'
import { type Scene, withContext } from '../administration.ts'
import { defineCommand } from '../command.ts'
import { UsageError } from '../failure.ts'
import { printable } from '../output.ts'
import { mostPeople } from './affected.ts'
import { isEmpty, makePlan, type Plan } from './make_plan.ts'
import { contextUnder } from './scene.ts'
import { savePlan } from './saved_plan.ts'
import type { SecretRules } from './secret_places.ts'
import { shownPlan } from './show_plan.ts'
import { sourceAt, type Wanted, wantedOf } from './wanted.ts'

export const fileOption = {
  file: { type: 'string', short: 'f', value: 'FILE', help: 'The file. Default: latchkey.yaml' },
} as const

export const secretRuleOptions = {
  'allow-exec': { type: 'boolean', help: 'Secrets may come from commands that the file names (exec:)' },
  'weak-secret': { type: 'boolean', help: 'Accept secrets that can be guessed' },
} as const

export const defaultFile = 'latchkey.yaml'

export const rulesOf = (
  file: string,
  options: { readonly 'allow-exec'?: boolean; readonly 'weak-secret'?: boolean },
): SecretRules => ({
  file,
  allowExec: options['allow-exec'] ?? false,
  allowWeak: options['weak-secret'] ?? false,
})

/** A context in which no apply is half done: what a process that died has begun is ended first. */
export const withApplied = <T>(work: (context: Context, scene: Scene) => Promise<T>): Promise<T> =>
  withContext(
    'clients',
    async (context, scene) => {
      await finishApply(context)
      return work(context, scene)
    },
    true,
  )

/** The plan of a file, with the provider as it would be under the settings of the file. */
export async function planOfFile(
  path: string,
  rules: SecretRules,
  context: Context,
  scene: Scene,
): Promise<{ wanted: Wanted; plan: Plan }> {
  const source = sourceAt(path)
  const under = await contextUnder(source, scene, source.problems, context)
  const wanted = wantedOf(source, under)
  return { wanted, plan: await makePlan(wanted, { path, rules, before: context }, under) }
}

export const plan = defineCommand({
  takes: [],
  failsWithOne: true,
  options: {
    ...fileOption,
    people: {
      type: 'string',
      value: 'N',
      help: `Read at most N accounts to say whom it concerns. Default: ${mostPeople}`,
    },
    out: { type: 'string', value: 'PLAN', help: 'Save the plan for latchkey apply --plan PLAN' },
    ...secretRuleOptions,
  },
  run: ({ file: path = defaultFile, out, people = `${mostPeople}`, ...rules }) => {
    if (!/^[1-9]\d{0,8}$/.test(people))
      throw new UsageError(`--people: expected a number of accounts, got ${printable(people)}`)
    return withApplied(async (context, scene) => {
      const { wanted, plan: made } = await planOfFile(path, rulesOf(path, rules), context, scene)
      if (out !== undefined) savePlan(out, path, wanted, made, context)
      return { ...(await shownPlan(made, Number(people))), exit: isEmpty(made) ? 0 : 2 }
    })
  },
})
