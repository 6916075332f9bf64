/** `latchkey drift`: what commands, pages and clients have changed since the last apply. docs/configuration_files.md */
import type { Context } from '../../contracts/context.ts'
import { Applied } from '../../models/applied.ts'
import { Client } from '../../models/client.ts'
import { allOf } from '../administration.ts'
import { type Answer, defineCommand } from '../command.ts'
import { moment, print, printable, printTable } from '../output.ts'
import { differences } from './make_plan.ts'
import type { Row } from './row.ts'
import { withApplied } from './plan.ts'
import { fileMembersOf } from './target.ts'

interface Drifted {
  client_id: string
  drift: 'changed' | 'removed' | 'released'
  members: Record<string, Row>
}

const namesOf = (client: Client): string =>
  client.self_registered ? 'registered itself' : 'by command or page'

async function found(context: Context): Promise<{ managed: number; drifted: Drifted[]; others: Client[] }> {
  const { clients: applied } = await Applied.document(context, await Applied.find(context))
  const clients = await allOf(Client.every(context))
  const present = new Map(clients.map((client) => [client.client_id, client]))
  const drifted = Object.entries(applied).flatMap(([client_id, { target }]): Drifted[] => {
    const client = present.get(client_id)
    if (!client) return [{ client_id, drift: 'removed', members: {} }]
    if (!client.managed_by) return [{ client_id, drift: 'released', members: {} }]
    const members = differences(target, fileMembersOf(client, context))
    return Object.keys(members).length === 0 ? [] : [{ client_id, drift: 'changed', members }]
  })
  const others = clients.filter(({ client_id }) => !Object.hasOwn(applied, client_id))
  return { managed: Object.keys(applied).length, drifted, others }
}

/** On the terminal; JSON has all. */
const mostRows = 50

export const drift = defineCommand({
  takes: [],
  failsWithOne: true,
  options: {},
  run: () =>
    withApplied(async (context): Promise<Answer> => {
      const state = await Applied.find(context)
      const { managed, drifted, others } = await found(context)
      return {
        facts: {
          version: state?.version ?? 0,
          managed,
          drifted,
          others: others.map((client) => ({
            client_id: client.client_id,
            client_name: client.client_name,
            registered_at: moment(client.client_id_issued_at),
            self_registered: client.self_registered,
          })),
        },
        exit: drifted.length > 0 ? 2 : 0,
        show() {
          print(
            drifted.length === 0
              ? `${managed} managed, none differs from version ${state?.version ?? 0}`
              : `${drifted.length} of ${managed} differ from version ${state?.version ?? 0}; latchkey apply brings them back`,
          )
          for (const { client_id, drift: what, members } of drifted) {
            print(`\n~ ${printable(client_id)}: ${what}`)
            for (const [name, { from, to }] of Object.entries(members))
              print(`    ${printable(name)}  ${printable(from ?? 'unset')} → ${printable(to ?? 'unset')}`)
          }
          if (others.length === 0) return
          print('\nIn no file:')
          printTable(
            ['CLIENT_ID', 'NAME', 'REGISTERED', 'HOW'],
            others
              .slice(0, mostRows)
              .map((client) => [
                client.client_id,
                client.client_name ?? '',
                moment(client.client_id_issued_at),
                namesOf(client),
              ]),
          )
          if (others.length > mostRows) print(`and ${others.length - mostRows} more (--json has all)`)
        },
      }
    }),
})
