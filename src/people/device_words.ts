/** The browser and operating system of a request, as a text for the End-User ("Firefox on Linux") and as icons. */
import type { IconName } from '../html/icon.ts'
import { ownMember } from '../lib/own_member.ts'
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

const systemIcons: Readonly<Record<string, IconName>> = {
  Windows: 'laptop',
  macOS: 'laptop',
  Linux: 'laptop',
  ChromeOS: 'laptop',
  iPad: 'tablet',
  iPhone: 'smartphone',
  Android: 'smartphone',
}

/** Those whose mark Simple Icons has. */
const browserIcons: Readonly<Record<string, IconName>> = {
  Chrome: 'mark-chrome',
  DuckDuckGo: 'mark-duckduckgo',
  Firefox: 'mark-firefox',
  Opera: 'mark-opera',
  Safari: 'mark-safari',
  Vivaldi: 'mark-vivaldi',
}

/** The kind of device, and the mark of its browser. */
export function deviceIcons(userAgent: string | undefined): {
  device: IconName
  browser: IconName | undefined
} {
  const { browser = '', system = '' } = readUserAgent(userAgent ?? '')
  return {
    device: ownMember(systemIcons, system) ?? 'circle-question-mark',
    browser: ownMember(browserIcons, browser) ?? (browser === '' ? undefined : 'globe'),
  }
}
