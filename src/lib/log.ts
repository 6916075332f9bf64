/** One line an event: JSON for machines, `event key=value` for people. Handles and secrets are never passed in. */

export type LogLevel = 'debug' | 'info' | 'warn' | 'error' | 'silent'
export type Fields = Record<string, unknown>

export interface Log {
  debug(event: string, fields?: Fields): void
  info(event: string, fields?: Fields): void
  warn(event: string, fields?: Fields): void
  error(event: string, fields?: Fields): void
}

const order: LogLevel[] = ['debug', 'info', 'warn', 'error', 'silent']

/** Controls (C1 too: a terminal may obey them), line separators, and what turns the direction of writing. */
const unsafe = /[\p{Cc}\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu
const escaped = (character: string): string =>
  character < ' '
    ? JSON.stringify(character).slice(1, -1)
    : `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`

const readable = (fields: Fields): string =>
  Object.entries(fields)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => ` ${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`)
    .join('')

/** `write` takes one line without its newline. Control characters are escaped, so an event is always one line. */
export function createLog(level: LogLevel, format: 'json' | 'text', write: (line: string) => void): Log {
  const at = (name: Exclude<LogLevel, 'silent'>) => {
    if (order.indexOf(name) < order.indexOf(level)) return () => {}
    return (event: string, fields: Fields = {}) =>
      write(
        format === 'json'
          ? JSON.stringify({ time: new Date().toISOString(), level: name, event, ...fields })
          : `${name} ${event}${readable(fields)}`.replace(unsafe, escaped),
      )
  }
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') }
}
