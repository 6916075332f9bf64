/** The browser and operating system of a request, as a text for the End-User: "Firefox on Linux". */
import { type Said, say } from '../lib/say.ts'
import { readUserAgent } from '../lib/user_agent.ts'
import type { Call } from '../contracts/call.ts'

/** Characters of the header that are kept. */
const longestAgent = 300

export const userAgentOf = (call: Call): string =>
  (call.request.headers.get('user-agent') ?? '').slice(0, longestAgent)

export function deviceWords(userAgent: string | undefined): Said {
  const { browser, system } = readUserAgent(userAgent ?? '')
  if (browser !== undefined && system !== undefined) return say('browser.on', { browser, system })
  if (browser !== undefined) return say('browser.named', { browser })
  return system === undefined ? say('browser.unknown') : say('browser.some', { system })
}
