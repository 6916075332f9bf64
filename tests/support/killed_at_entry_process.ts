/** Preloaded into a server on SQLite: the process is killed at the write of the entry of the audit trail that has the text of KILL_AT_ENTRY. */
import { Database } from 'bun:sqlite'

const text = process.env.KILL_AT_ENTRY ?? ''
const prepare = Object.getOwnPropertyDescriptor(Database.prototype, 'prepare')!.value as (
  ...args: unknown[]
) => { run: (...values: unknown[]) => unknown }

Object.defineProperty(Database.prototype, 'prepare', {
  value(this: Database, ...args: unknown[]) {
    const statement = prepare.apply(this, args)
    const run = statement.run.bind(statement)
    statement.run = (...values) => {
      if (String(values[0]).startsWith('audit:') && String(values[1]).includes(text))
        process.kill(process.pid, 'SIGKILL')
      return run(...values)
    }
    return statement
  },
})
