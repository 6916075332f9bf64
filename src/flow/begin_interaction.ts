/** Begins an interaction within what one address may make this provider keep. */
import type { Call } from '../contracts/call.ts'
import type { Context } from '../contracts/context.ts'
import { Interaction } from '../models/interaction.ts'
import { keepWithin } from '../people/rate_limit.ts'

/** Returns the handle. Throws `too_many_requests` beyond KEPT_BYTES_PER_ADDRESS. */
export async function beginInteraction(
  call: Call,
  context: Context,
  browser: string,
  what: Parameters<typeof Interaction.draft>[3],
): Promise<string> {
  const lifetime = context.config.interactionTtl
  const { handle, ...draft } = await Interaction.draft(context, context.random, browser, what, lifetime)
  await keepWithin(context, call.address, { what: 'interactions', lifetime, ...draft })
  return handle
}
