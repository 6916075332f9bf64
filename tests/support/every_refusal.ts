/** Every check that a test makes, and every refusal that it logs, has a rule that can be shown as a link. */
import { listenToChecks } from '../../src/auth/check.ts'
import type { Refusal } from '../../src/auth/refusal.ts'
import { readRule, type Rule } from '../../src/auth/rule.ts'
import type { AdjustableLog, Fields } from '../../src/lib/log.ts'

/** Throws for a refusal whose rule is missing or names no specification, or that does not say what it expects. */
export function requireRule({
  code,
  rule,
  expected,
}: Partial<Pick<Refusal, 'code' | 'expected'>> & { rule?: unknown }): void {
  const of = `the refusal ${String(code)} (${String(expected)})`
  if (typeof rule !== 'string') throw new Error(`${of} has no rule`)
  if (!/^https:\/\/.+[\d]/.test(readRule(rule as Rule).url)) throw new Error(`${of} has no link for ${rule}`)
  if (!expected || /\bundefined\b|\[object/.test(expected))
    throw new Error(`${of} does not say what it expects`)
}

/** A log that refuses lines of refusals without a rule. */
export function withRules(log: AdjustableLog): AdjustableLog {
  const checked = (level: 'debug' | 'info' | 'warn' | 'error') => (event: string, fields?: Fields) => {
    if (event === 'refused') requireRule(fields ?? {})
    log[level](event, fields)
  }
  return {
    debug: checked('debug'),
    info: checked('info'),
    warn: checked('warn'),
    error: checked('error'),
    setLevel: (level, levels) => log.setLevel(level, levels),
  }
}

/** For the whole test process. A listener that throws is an uncaught exception, which fails the test file. */
listenToChecks(({ refusal }) => requireRule(refusal))
