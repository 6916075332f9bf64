/** Which applications hear that somebody signs out, in the words of the pages round it: no more than is true. */
import { type MessageKey, type Said, say } from '../lib/say.ts'
import { shownName } from './client_parts.ts'
import * as parts from './page_parts.ts'
import type { Html } from './view.ts'

/** Names of applications, by who tells them: this server, frames in the browser, nobody. */
export type Told = Readonly<Record<'server' | 'browser' | 'nobody', readonly (string | Said)[]>>

type Words = Readonly<Record<keyof Told, MessageKey>>

const before: Words = {
  server: 'logout.before_server',
  browser: 'logout.before_browser',
  nobody: 'logout.before_nobody',
}
const after: Words = {
  server: 'logged_out.after_server',
  browser: 'logged_out.after_browser',
  nobody: 'logged_out.after_nobody',
}

const sayWith =
  (words: Words) =>
  (told: Told): Html[] =>
    (['server', 'browser', 'nobody'] as const)
      .filter((who) => told[who].length > 0)
      .map((who) =>
        parts.namesUnder({
          text: say(words[who]),
          names: told[who].map((name) => parts.nameItem({ name: shownName(name) })),
        }),
      )

export const toldBefore = sayWith(before)
export const toldAfter = sayWith(after)
