/** Adds a connection to an account, of which its owner is told first. docs/decisions/0048-changes-of-several-records.md */
import type { Context } from '../../contracts/context.ts'
import type { Call } from '../../contracts/call.ts'
import { tellAndChange } from '../../people/tell_owner.ts'
import type { User } from '../../models/user.ts'
import { fetchPictureLater } from './avatar.ts'
import type { Identity } from './identity.ts'
import { Links } from './links.ts'
import type { Upstream } from './settings.ts'
import type { Tokens } from './tokens.ts'

/**
 * `known` if the account has the connection, `taken` if another account has it. The sign-in at the provider is used up, so
 * that a repetition after a stop finds the connection: a notice that comes after it would never be sent.
 */
export async function addConnection(
  call: Call,
  context: Context,
  user: User,
  { upstream, identity, tokens }: { upstream: Upstream; identity: Identity; tokens: Tokens },
): Promise<'added' | 'known' | 'taken'> {
  const holder = async () => (await Links.ofIdentity(context, identity))?.sub
  const found = await holder()
  if (found !== undefined) return found === user.sub ? 'known' : 'taken'
  const event = { kind: 'connection_added', detail: upstream.label } as const
  const create = () => Links.create(context, upstream, identity, user.sub, tokens)
  if (!(await tellAndChange(call, context, user, event, create)))
    return (await holder()) === user.sub ? 'known' : 'taken'
  fetchPictureLater(context, user, identity)
  return 'added'
}
