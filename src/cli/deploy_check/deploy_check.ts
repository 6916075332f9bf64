/** `latchkey config check --deploy`: what ASVS 5.0 V13 and the hardening plan ask for before a provider goes live. docs/going_live.md */
import type { Config } from '../../config.ts'
import type { Answer } from '../command.ts'
import type { Environment } from '../environment.ts'
import { Refusal } from '../failure.ts'
import { print, printable } from '../output.ts'
import { type Finding, type Level, levels } from './row.ts'
import { findingsOf, thisMachine } from './sight.ts'
import { rows } from './table.ts'

const titles: Readonly<Record<Level, string>> = {
  error: 'ERROR: do not go live with this',
  warning: 'WARNING: rarely meant',
  note: 'NOTE: right for many deployments',
}

/** `problems` are what `--deep` found. Fails where a finding is an error. */
export async function deployAnswer(
  config: Config,
  environment: Environment,
  problems: readonly string[],
): Promise<Answer> {
  const findings = await findingsOf(rows, { config, environment, problems, machine: thisMachine() })
  const of = (level: Level) => findings.filter((each) => each.level === level)
  const errors = of('error').length
  return {
    facts: { ok: errors === 0, checks: rows.length, findings },
    show() {
      for (const level of levels) printLevel(titles[level], of(level))
      print(
        `${rows.length} checks: ${levels.map((level) => `${counted(of(level).length, level)}`).join(', ')}`,
      )
    },
    ...(errors > 0 && {
      failure: new Refusal(
        errors === 1 ? 'a finding is an error: mend it' : `${errors} findings are errors: mend them`,
      ),
    }),
  }
}

const counted = (count: number, word: string): string => `${count} ${word}${count === 1 ? '' : 's'}`

function printLevel(title: string, findings: readonly Finding[]): void {
  if (findings.length === 0) return
  print(title)
  for (const { name, found, expected, mend, link, source } of findings)
    print(
      [
        `\n  ${name}: ${printable(found)}`,
        `    expected  ${printable(expected)}`,
        `    mend      ${printable(mend)}`,
        `    see       docs/${link} (${source})`,
      ].join('\n'),
    )
  print('')
}
