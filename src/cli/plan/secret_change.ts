/** What a plan does to the secret of a client. No value of a secret leaves this file, but a generated one in `made`. */
import { RefusedError } from '../../auth/refusal.ts'
import { formerSecret, secretsOf } from '../../clients/client_secret.ts'
import type { Context } from '../../contracts/context.ts'
import { seconds } from '../../lib/clock.ts'
import type { FileClient, Put } from '../../models/applied.ts'
import { type Client, needsSecret, newSecret, secretMembers } from '../../models/client.ts'
import { requireLongSecret } from '../../endpoints/operator_clients.ts'
import { moment } from '../output.ts'
import type { Fault } from './target.ts'
import { generated, PlaceProblem, secretAt, type SecretRules } from './secret_places.ts'
import type { WantedClient } from './wanted.ts'

export interface SecretChange {
  /** For the document. */
  place: string | undefined
  step?: NonNullable<Put['secret']>
  drops: boolean
  row?: { from: string | null; to: string | null }
  breaks: { name: string; text: string }[]
  /** A random secret, which `apply` writes where it is told to. */
  made?: string
}

interface Asked {
  wanted: Pick<WantedClient, 'secret' | 'overlap'>
  current: Client | undefined
  target: Client
  /** As applied last. */
  known: FileClient | undefined
  /** A rollback brings no secret back: one that was replaced may have leaked. */
  isRollback: boolean
  rules: SecretRules
}

const nothing: Pick<SecretChange, 'drops' | 'breaks'> = { drops: false, breaks: [] }

export async function secretChange(asked: Asked, context: Context): Promise<SecretChange | Fault> {
  const { wanted, current, target, known, isRollback } = asked
  const hasOne = current?.secret_mac !== undefined
  const before = hasOne ? (known?.secret ?? 'a secret') : null
  if (!needsSecret(target)) {
    if (wanted.secret !== undefined && !isRollback)
      return {
        member: 'client_secret',
        problem: `a client with token_endpoint_auth_method ${target.token_endpoint_auth_method} has no secret; leave it out`,
      }
    return { ...nothing, place: undefined, drops: hasOne, ...(hasOne && { row: { from: before, to: null } }) }
  }
  const place = isRollback
    ? hasOne
      ? (known?.secret ?? generated)
      : generated
    : (wanted.secret ?? generated)
  if (place === generated || isRollback) {
    if (!hasOne) return made(place, target, context)
    try {
      requireLongSecret(current, { ...current, ...target, ...secretsOnly(current) }, context)
    } catch (error) {
      if (!(error instanceof RefusedError)) throw error
      return { member: 'token_endpoint_auth_method', problem: error.publicDescription }
    }
    const isOther = known?.secret !== undefined && known.secret !== place
    return { ...nothing, place, ...(isOther && { row: { from: before, to: `${place} (the secret stays)` } }) }
  }
  return read(place, asked, context)
}

const secretsOnly = ({ secret_mac, sealed_secret, former_secret }: Client): Partial<Client> => ({
  ...(secret_mac !== undefined && { secret_mac }),
  ...(sealed_secret !== undefined && { sealed_secret }),
  ...(former_secret !== undefined && { former_secret }),
})

function made(place: string, { client_id }: Client, context: Context): SecretChange {
  const secret = newSecret(context.random)
  return {
    ...nothing,
    place,
    step: secretMembers(context.secrets.clientSecrets, client_id, secret),
    row: { from: null, to: `${generated} (a new secret)` },
    made: secret,
  }
}

async function read(
  place: string,
  { current, target, known, wanted, rules }: Asked,
  context: Context,
): Promise<SecretChange | Fault> {
  let secret: string
  try {
    secret = await secretAt(place, target, rules)
  } catch (error) {
    if (!(error instanceof PlaceProblem)) throw error
    return { member: 'client_secret', problem: error.message }
  }
  const held = current ? secretsOf(current, context) : []
  const before = current?.secret_mac === undefined ? null : (known?.secret ?? 'a secret')
  if (held[0] === secret)
    return {
      ...nothing,
      place,
      ...(known?.secret !== place && { row: { from: before, to: `${place} (the same secret)` } }),
    }
  const until = seconds(context.clock) + wanted.overlap
  const goesOn = before !== null && wanted.overlap > 0
  return {
    place,
    drops: false,
    step: {
      ...secretMembers(context.secrets.clientSecrets, target.client_id, secret),
      ...(goesOn && { former_until: until }),
    },
    row: { from: before, to: `${place} (a new secret)` },
    breaks: [...endings(current, before !== null, goesOn, until, context)],
  }
}

function* endings(
  current: Client | undefined,
  hadOne: boolean,
  goesOn: boolean,
  until: number,
  { clock }: Context,
): Generator<{ name: string; text: string }> {
  if (hadOne && !goesOn)
    yield {
      name: 'secret_stops_at_once',
      text: 'The present secret stops at once: a client that still uses it is refused. client_secret_overlap keeps it for a time.',
    }
  if (goesOn)
    yield { name: 'secret_ends', text: `The present secret goes on until ${moment(until)} at the latest.` }
  if (current && formerSecret(current, clock))
    yield {
      name: 'former_secret_stops_at_once',
      text: 'The secret before the present one, which still holds, stops at once.',
    }
}
