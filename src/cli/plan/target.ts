/** The record that a client of a configuration file gets: its members are admitted as `client add` admits them. */
import { RefusedError } from '../../auth/refusal.ts'
import { isMetadata } from '../../clients/replaced_client.ts'
import type { Context } from '../../contracts/context.ts'
import { admitMetadata, operatorPolicy } from '../../endpoints/registration.ts'
import { type Client, makeClient } from '../../models/client.ts'
import { isSubOfPerson } from '../../models/subjects.ts'
import { droppedFrom } from '../client_changes.ts'
import { misfitsOf, privileges } from '../../clients/privileges.ts'
import {
  namesNoMethod,
  requireAllowed,
  withDefaults,
  withOfferedMethod,
} from '../../endpoints/operator_clients.ts'
import { Refusal } from '../failure.ts'
import type { WantedClient } from './wanted.ts'

/** Members of the record that a file decides. All others are those of the provider. */
const isFileMember = (name: string, context: Pick<Context, 'table'>): boolean =>
  isMetadata(name, context) ||
  privileges.includes(name) ||
  name === 'disabled' ||
  name === 'either_secret_method'

export const fileMembersOf = (client: Client, context: Pick<Context, 'table'>): Record<string, unknown> =>
  Object.fromEntries(
    Object.entries(client).filter(([name, value]) => value !== undefined && isFileMember(name, context)),
  )

export interface Fault {
  /** The member where it is, if the file has it. */
  member?: string | undefined
  problem: string
}

/** The first member of `given` that a text names. */
const memberIn = (text: string, given: Readonly<Record<string, unknown>>): string | undefined =>
  text.split(/[^\w#.-]+/).find((word) => Object.hasOwn(given, word))

function faultOf(error: unknown, given: Readonly<Record<string, unknown>>): Fault {
  if (!(error instanceof RefusedError) && !(error instanceof Refusal)) throw error
  const problem = error instanceof RefusedError ? error.publicDescription : error.message
  return { member: memberIn(problem, given), problem }
}

/** The members of the record, or what is wrong with those of the file. */
export async function targetOf(
  clientId: string,
  { given }: Pick<WantedClient, 'given'>,
  current: Client | undefined,
  context: Context,
): Promise<{ target: Client } | { faults: readonly Fault[] }> {
  const own = Object.fromEntries(
    Object.entries(given).filter(
      ([name, value]) => (privileges.includes(name) || name === 'disabled') && value !== null,
    ),
  )
  const misfits = misfitsOf(own)
  if (misfits.length > 0)
    return { faults: misfits.map(({ member, expected }) => ({ member, problem: `expected ${expected}` })) }
  const metadata = Object.fromEntries(Object.entries(given).filter(([name]) => !Object.hasOwn(own, name)))
  const { client_name: name, jwks } = metadata
  const asked = withDefaults(name as string, metadata, jwks ? { jwks: '' } : {})
  try {
    const attempt = { by: 'operator', ...(current && { current }) } as const
    const admitted = await admitMetadata(
      withOfferedMethod(asked, context),
      operatorPolicy(context),
      attempt,
      context,
    )
    // With the defaults of the record; the secret is decided elsewhere.
    const { client } = makeClient(context, {
      ...admitted,
      ...own,
      ...(namesNoMethod(asked) && { either_secret_method: true }),
      client_id: clientId,
    })
    requireAllowed(client)
    if (!current && (await isSubOfPerson(context, clientId)))
      throw new Refusal(
        'client_id is, or was, the sub of an account; a client needs another one (RFC 9700 §4.15)',
      )
    const dropped = droppedFrom(metadata, client)
    if (dropped.length > 0)
      return {
        faults: dropped.map((each) => ({
          member: each.split(':', 1)[0],
          problem: `${each}: this provider does not know or serve it for this client`,
        })),
      }
    return { target: client }
  } catch (error) {
    return { faults: [faultOf(error, given)] }
  }
}
