/** The job that keeps the indexes of people and clients whole. docs/decisions/0083-large-tables.md */
import type { Context } from '../contracts/context.ts'
import type { Job } from '../contracts/protocol_sockets.ts'
import { clientIndex } from '../models/client_index.ts'
import { Client } from '../models/client.ts'
import { Event } from '../models/event.ts'
import { people, signInsIndex } from '../models/people_index.ts'
import { type Filled, keepIndexes } from '../models/search_fill.ts'
import { User } from '../models/user.ts'

/** Seconds. */
const every = 60
/** Milliseconds for which a turn goes on; another instance may begin the next one after that. */
const turnMs = 45_000

const peopleFilled: Filled<User> = {
  of: people,
  records: User,
  async also(memory, { sub }) {
    const at = await Event.lastOfUser(memory, sub, ['signed_in'])
    await memory.store.link(signInsIndex, sub, Math.floor((at ?? 0) / 1000))
  },
}
const clientsFilled: Filled<Client> = { of: clientIndex, records: Client }

/** One turn, of one instance. */
export async function keepSearchIndexes(
  context: Pick<Context, 'store' | 'clock' | 'log' | 'closing'>,
): Promise<void> {
  const { store, clock, closing } = context
  if (!(await store.create('search_index_turn', '1', turnMs))) return
  const until = clock.now() + turnMs
  const mayGoOn = () => !closing() && clock.now() < until
  await keepIndexes(context, peopleFilled, mayGoOn)
  await keepIndexes(context, clientsFilled, mayGoOn)
}

export const searchJob: Job = { name: 'search_index', every, run: keepSearchIndexes }
