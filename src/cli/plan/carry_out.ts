/** Makes a plan the next version: begun by one swap, and all or nothing from then on. docs/decisions/0087-configuration-files.md */
import { rmSync } from 'node:fs'
import { carryOutAll } from '../../clients/apply_steps.ts'
import type { Context } from '../../contracts/context.ts'
import { Applied, type Entry } from '../../models/applied.ts'
import { Refusal } from '../failure.ts'
import { print, printable } from '../output.ts'
import { operatorName } from '../operator.ts'
import { countsOf, movedOn, type Plan } from './make_plan.ts'
import { writeOwn } from './saved_plan.ts'

export const secretsFileOption = {
  'generated-to': {
    type: 'string',
    value: 'NEW_FILE',
    help: 'Write generated client secrets as JSON into a new file that its owner alone may read. They are shown nowhere else',
  },
} as const

export interface Done {
  version: number
  /** Clients with a random secret that was written nowhere. */
  unseen: string[]
}

/** Before the first step: a process that dies leaves the file with secrets that hold, or none. */
function writeSecrets(path: string, made: Plan['made']): void {
  try {
    writeOwn(path, `${JSON.stringify(made, null, 2)}\n`)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    throw new Refusal(`${printable(path)} is there already: name a new file with --generated-to`)
  }
}

/** Throws Refusal when another process came first; then nothing is changed. */
export async function carryOut(
  plan: Plan,
  kind: Pick<Entry, 'what' | 'to'>,
  secretsFile: string | undefined,
  context: Context,
): Promise<Done> {
  const made = Object.keys(plan.made)
  const isWritten = secretsFile !== undefined && made.length > 0
  if (isWritten) writeSecrets(secretsFile, plan.made)
  const { base, document, steps, file } = plan
  const pending = await Applied.begin(context, base, {
    ...kind,
    ...countsOf(plan),
    file,
    operator: operatorName(),
    document,
    steps,
  })
  if (!pending) {
    if (isWritten) rmSync(secretsFile, { force: true })
    throw movedOn()
  }
  await carryOutAll(context, pending)
  return { version: pending.version, unseen: isWritten ? [] : made }
}

export function printDone({ version, unseen }: Done): void {
  print(`\nversion ${version} is in force; running servers use it within a second`)
  for (const id of unseen)
    print(
      `${printable(id)} has a random secret that was never shown: latchkey client secret ${printable(id)} --overlap 0 makes one and shows it`,
    )
}
