/** What a step is made of and read with: the state of its run, its client, and the keys of the provider. */
import type { JSONWebKeySet } from 'jose'
import type { Call } from '../../contracts/call.ts'
import type { Context } from '../../contracts/context.ts'
import type { RunFlow, Making, Values } from './flow.ts'
import { labClients } from './memory.ts'
import { send } from './sent.ts'
import { pathOf } from './steps.ts'

export const makingOf = async (
  call: Call,
  context: Context,
  { flow, values }: { flow: RunFlow; values: Values },
): Promise<Making> => ({
  context,
  values,
  client: await labClients(context)(flow.client),
  async jwks() {
    const path = pathOf(context, 'jwks')
    const { members } = await send(call, context, { method: 'GET', path, headers: [], params: [] })
    return members as unknown as JSONWebKeySet
  },
})
