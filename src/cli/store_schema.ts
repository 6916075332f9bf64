/** `latchkey store schema`: prints the tables of the store in PostgreSQL, to be created by an operator. docs/deployment.md */
import { rightsOf, schemaScript } from '../store/postgres_schema.ts'
import { defineCommand } from './command.ts'
import { print } from './output.ts'

const quoted = (name: string): string => `"${name.replaceAll('"', '""')}"`

export const schema = defineCommand({
  takes: [],
  options: {
    grant: {
      type: 'string',
      value: 'USER',
      help: 'Also give this database user the rights that serving needs',
    },
  },
  run({ grant }) {
    const sql = schemaScript() + (grant === undefined ? '' : rightsOf(quoted(grant)))
    return { facts: { sql }, show: () => print(sql.trimEnd()) }
  },
})
