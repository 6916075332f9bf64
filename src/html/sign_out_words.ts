/** The parts of the sign-out pages that list the clients to be notified, by channel. The text for a channel promises no more than the channel can do. */
import { type MessageKey, type Said, say } from '../lib/say.ts'
import { shownName } from './client_parts.ts'
import * as parts from './page_parts.ts'
import type { Html } from './view.ts'

/** Names of clients by the channel that notifies them: this server, frames in the browser, none. */
export type NotifiedClients = Readonly<Record<'server' | 'browser' | 'none', readonly (string | Said)[]>>

type Words = Readonly<Record<keyof NotifiedClients, MessageKey>>

const before: Words = {
  server: 'logout.before_server',
  browser: 'logout.before_browser',
  none: 'logout.before_none',
}
const after: Words = {
  server: 'logged_out.after_server',
  browser: 'logged_out.after_browser',
  none: 'logged_out.after_none',
}

const sayWith =
  (words: Words) =>
  (told: NotifiedClients): Html[] =>
    (['server', 'browser', 'none'] as const)
      .filter((channel) => told[channel].length > 0)
      .map((channel) =>
        parts.namesUnder({
          text: say(words[channel]),
          names: told[channel].map((name) => parts.nameItem({ name: shownName(name) })),
        }),
      )

export const clientsToNotify = sayWith(before)
export const clientsNotified = sayWith(after)
