/** `latchkey plan`: what a configuration file would change, and what would break for whom. docs/configuration_files.md */
import { finishApply } from '../../clients/apply_steps.ts'
import type { Context } from '../../contracts/context.ts'
import { withContext } from '../administration.ts'
import { defineCommand } from '../command.ts'
import { makePlan } from './make_plan.ts'
import { savePlan } from './saved_plan.ts'
import type { SecretRules } from './secret_places.ts'
import { shownPlan } from './show_plan.ts'
import { readWanted } from './wanted.ts'

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
export const withApplied = <T>(work: (context: Context) => Promise<T>): Promise<T> =>
  withContext('clients', async (context) => {
    await finishApply(context)
    return work(context)
  })

export const plan = defineCommand({
  takes: [],
  failsWithOne: true,
  options: {
    ...fileOption,
    out: { type: 'string', value: 'PLAN', help: 'Save the plan for latchkey apply --plan PLAN' },
    ...secretRuleOptions,
  },
  run: ({ file: path = defaultFile, out, ...rules }) =>
    withApplied(async (context) => {
      const wanted = readWanted(path, context)
      const made = await makePlan(wanted, { path, rules: rulesOf(path, rules) }, context)
      if (out !== undefined) savePlan(out, path, wanted, made, context)
      return { ...(await shownPlan(made, context)), exit: made.changes.length > 0 ? 2 : 0 }
    }),
})
