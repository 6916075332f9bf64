/** One line for each event: JSON for machines, `time level event key=value` for people. Handles and secrets are never passed in. */

import { escapeCharacter, replaceUnsafe } from './unsafe_text.ts'

export type LogLevel = 'debug' | 'info' | 'warn' | 'error' | 'silent'
/** Levels of some events: by the name of an event, or by the words that it begins with, such as `mail` for `mail_delivered`. */
export type LogLevels = Readonly<Record<string, LogLevel>>
export type Fields = Record<string, unknown>

export interface Log {
  debug(event: string, fields?: Fields): void
  info(event: string, fields?: Fields): void
  warn(event: string, fields?: Fields): void
  error(event: string, fields?: Fields): void
}

export interface AdjustableLog extends Log {
  /** For all lines from now on. A copy of its methods keeps its level. */
  setLevel(level: LogLevel, levels?: LogLevels): void
}

const order: LogLevel[] = ['debug', 'info', 'warn', 'error', 'silent']

const escaped = (character: string): string =>
  character < ' ' ? JSON.stringify(character).slice(1, -1) : escapeCharacter(character)

/** A text that can be mistaken for more than one value, or for none, is quoted as JSON quotes it. */
const isPlain = /^[^\s"'=\\]+$/

const readableValue = (value: unknown): string =>
  typeof value === 'string' && isPlain.test(value) ? value : JSON.stringify(value)

const readable = (fields: Fields): string =>
  Object.entries(fields)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => ` ${name}=${readableValue(value)}`)
    .join('')

/** Names that a line has by itself. A field of such a name is written as `field_time` and so on, and replaces none of them. */
const reserved = ['time', 'level', 'event']

const apart = (fields: Fields): Fields =>
  reserved.some((name) => Object.hasOwn(fields, name))
    ? Object.fromEntries(
        Object.entries(fields).map(([name, value]) => [
          reserved.includes(name) ? `field_${name}` : name,
          value,
        ]),
      )
    : fields

/** The level of an event by the longest name that fits; events are few, so that each is looked for once. */
function leastOf(least: LogLevel, levels: LogLevels): (event: string) => number {
  const known = new Map<string, number>()
  const names = Object.keys(levels).toSorted((a, b) => b.length - a.length)
  return (event) => {
    const found = known.get(event)
    if (found !== undefined) return found
    const name = names.find((each) => event === each || event.startsWith(`${each}_`))
    const at = order.indexOf(name === undefined ? least : levels[name]!)
    known.set(event, at)
    return at
  }
}

/** `write` gets one line without its newline. Characters that end or reorder a line or are invisible are escaped. */
export function createLog(
  level: LogLevel,
  format: 'json' | 'text',
  write: (line: string) => void,
  levels: LogLevels = {},
): AdjustableLog {
  const methods = (least: LogLevel, some: LogLevels): Log => {
    const lowest = Math.min(...[least, ...Object.values(some)].map((each) => order.indexOf(each)))
    const isAlike = Object.keys(some).length === 0
    const from = leastOf(least, some)
    const at = (name: Exclude<LogLevel, 'silent'>) => {
      const own = order.indexOf(name)
      if (own < lowest) return () => {}
      return (event: string, fields: Fields = {}) => {
        if (!isAlike && own < from(event)) return
        write(
          replaceUnsafe(
            format === 'json'
              ? JSON.stringify({ time: new Date().toISOString(), level: name, event, ...apart(fields) })
              : `${new Date().toISOString()} ${name} ${event}${readable(apart(fields))}`,
            'line',
            escaped,
          ),
        )
      }
    }
    return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') }
  }
  const log = {
    ...methods(level, levels),
    setLevel: (next: LogLevel, some: LogLevels = {}) => void Object.assign(log, methods(next, some)),
  }
  return log
}

/** The same log, whose lines have these fields too. */
export function logWith(
  log: AdjustableLog,
  more: Fields,
  reword: (fields: Fields) => Fields = (fields) => fields,
): AdjustableLog {
  const told = (level: 'debug' | 'info' | 'warn' | 'error') => (event: string, fields?: Fields) =>
    log[level](event, { ...reword(fields ?? {}), ...more })
  return {
    debug: told('debug'),
    info: told('info'),
    warn: told('warn'),
    error: told('error'),
    setLevel: (level, levels) => log.setLevel(level, levels),
  }
}
