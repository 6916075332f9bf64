/** One step of a verification: what was asked, what came, and the rule. */
import type { Rule } from '../../auth/rule.ts'

/** `open`: it cannot be decided here, or it is up to the verifier. */
export type Outcome = 'holds' | 'fails' | 'open'

export interface TokenStep {
  about: string
  outcome: Outcome
  rule: Rule
  /** What the specification asks. */
  expected?: string
  /** What the token has. */
  came?: string
  /** What follows from it. */
  note?: string
}

/** The value as one text, bounded: it may be nested as deep as its length. */
export function textOf(value: unknown, longest = 2_000): string {
  const text = typeof value === 'string' ? value : json(value)
  return text.length > longest ? `${text.slice(0, longest)}…` : text
}

function json(value: unknown): string {
  try {
    return JSON.stringify(value) ?? 'nothing'
  } catch {
    return 'a value that is nested too deep to be shown'
  }
}

const units: readonly (readonly [name: string, seconds: number])[] = [
  ['year', 31_557_600],
  ['day', 86_400],
  ['hour', 3_600],
  ['minute', 60],
  ['second', 1],
]

/** `2026-11-29 15:01:10 UTC, in 4 minutes`. Undefined for what is no time. */
export function timeInWords(value: unknown, now: number): string | undefined {
  if (typeof value !== 'number' || !Number.isFinite(value) || Math.abs(value) > 8.64e12) return undefined
  const at = new Date(value * 1000).toISOString().slice(0, 19).replace('T', ' ')
  const away = Math.round(value - now)
  const [name, length] = units.find(([, seconds]) => Math.abs(away) >= seconds) ?? ['second', 1]
  const count = Math.round(Math.abs(away) / length)
  const words = `${count} ${name}${count === 1 ? '' : 's'}`
  return `${at} UTC, ${away === 0 ? 'now' : away > 0 ? `in ${words}` : `${words} ago`}`
}
