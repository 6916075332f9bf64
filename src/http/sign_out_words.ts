/** Which applications hear that somebody signs out, in the words of the pages round it: no more than is true. */
import { foreignText } from './foreign_text.ts'
import * as parts from './page_parts.ts'
import type { Html } from './view.ts'

/** Names of applications, by who tells them: this server, frames in the browser, nobody. */
export type Told = Readonly<Record<'server' | 'browser' | 'nobody', readonly string[]>>

const before: Readonly<Record<keyof Told, string>> = {
  server: 'We will tell these applications that you have signed out:',
  browser: 'Your browser will ask these applications to sign you out as well:',
  nobody: 'These applications cannot be told. You may stay signed in there:',
}
const after: Readonly<Record<keyof Told, string>> = {
  server: 'We are telling these applications that you have signed out:',
  browser:
    'This page asks these applications to sign you out as well. Leave it open for a moment. Some browsers keep such requests from working:',
  nobody: 'These applications cannot be told. If you are still signed in there, sign out there too:',
}

const sayWith =
  (words: Readonly<Record<keyof Told, string>>) =>
  (told: Told): Html[] =>
    (['server', 'browser', 'nobody'] as const)
      .filter((who) => told[who].length > 0)
      .map((who) =>
        parts.namesUnder({
          text: words[who],
          names: told[who].map((name) =>
            parts.nameItem({ name: foreignText(name) || 'An application without a name' }),
          ),
        }),
      )

export const toldBefore = sayWith(before)
export const toldAfter = sayWith(after)
