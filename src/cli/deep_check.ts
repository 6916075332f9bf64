/** `latchkey config check --deep`: tries what the variables name, as `serve` would use it, and changes nothing that stays. docs/configuration.md */
import type { Config } from '../config.ts'
import type { Env } from '../config/read.ts'
import { settingLine } from './failure.ts'
import { storeVariable } from './environment.ts'
import type { Run, Trial } from './trial.ts'

/** One line for each fault, which begins with the variable to mend. What needs something that fails is not tried. */
export async function deepProblems(
  trials: readonly Trial[],
  config: Config,
  env: Env,
  run: Run,
): Promise<string[]> {
  const unusable = new Set<string>()
  const problems = new Set<string>()
  for (const trial of trials) {
    const isTried = !trial.needs?.some((name) => unusable.has(name))
    const line = isTried ? await lineOf(trial, config, env, run) : undefined
    if (line !== undefined) problems.add(line)
    if (!isTried || line !== undefined) unusable.add(trial.name)
  }
  return [...problems]
}

async function lineOf(trial: Trial, config: Config, env: Env, run: Run): Promise<string | undefined> {
  const name = trial.name === 'STORE_URL' ? storeVariable(env) : trial.name
  try {
    const problem = await trial.run(config, run)
    return problem && `${name}: ${problem}`
  } catch (error) {
    return settingLine(error) ?? `${name}: ${error instanceof Error ? error.message : String(error)}`
  }
}
