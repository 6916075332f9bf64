/** The flow that a page or an export is about. */
import { HttpError } from '../../auth/errors.ts'
import type { Call } from '../../contracts/call.ts'
import type { Context } from '../../contracts/context.ts'
import { query } from '../../http/call.ts'
import type { Flows } from '../../models/recording/flows.ts'
import type { Flow } from '../../models/recording/recorded.ts'

/** The recorder exists from a start with LAB on. */
export function flowsOf({ recorder }: Context): Flows {
  if (!recorder)
    throw new HttpError('not_found', {
      expected: 'a provider that was started with LAB',
      problem: 'nothing is recorded until the provider is started with LAB=true',
    })
  return recorder.flows
}

/** The flow that a parameter names. */
export function flowOf(call: Call, context: Context, name = 'id'): Flow {
  const { [name]: id } = query(call, context)
  const flow = id === undefined ? undefined : flowsOf(context).find(id)
  if (!flow)
    throw new HttpError('not_found', {
      expected: 'the id of a recorded flow',
      came: id,
      problem: 'no flow of this id is recorded; old ones make room for new ones',
    })
  return flow
}
