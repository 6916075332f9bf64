/** Which browser on which system, by the User-Agent header: coarse, for people to recognise and for no decision but "another device". https://www.rfc-editor.org/rfc/rfc9110#section-10.1.5 */

export interface Device {
  /** As people call it; undefined when it says nothing that we know. */
  browser?: string
  system?: string
}

/** In order: most browsers also claim to be those below them. */
const browsers: readonly (readonly [name: string, pattern: RegExp])[] = [
  ['Edge', /\bEdg(?:e|A|iOS)?\//],
  ['Opera', /\b(?:OPR|OPT|OPX|Opera)\//],
  ['Samsung Internet', /\bSamsungBrowser\//],
  ['Vivaldi', /\bVivaldi\//],
  ['Yandex Browser', /\bYaBrowser\//],
  ['DuckDuckGo', /\b(?:DuckDuckGo|Ddg)\//],
  ['Firefox', /\b(?:Firefox|FxiOS|Focus|Klar)\//],
  ['Chrome', /\b(?:Chrome|CriOS|Chromium|HeadlessChrome)\//],
  ['Google app', /\bGSA\//],
  ['Internet Explorer', /\bMSIE |\bTrident\//],
  ['Safari', /\bSafari\//],
]

const systems: readonly (readonly [name: string, pattern: RegExp])[] = [
  ['Windows', /\bWindows\b/],
  ['iPhone', /\biPhone\b|\biPod\b/],
  ['iPad', /\biPad\b/],
  ['Android', /\bAndroid\b/],
  ['ChromeOS', /\bCrOS\b/],
  ['macOS', /\bMac(?:intosh| OS X)\b/],
  ['Linux', /\bLinux\b|\bX11\b/],
]

/** More than any browser sends. */
const longest = 500

export function readUserAgent(userAgent: string): Device {
  const text = userAgent.slice(0, longest)
  const find = (table: typeof browsers) => table.find(([, pattern]) => pattern.test(text))?.[0]
  const [browser, system] = [find(browsers), find(systems)]
  return { ...(browser !== undefined && { browser }), ...(system !== undefined && { system }) }
}

/** "Request desktop site" turns an iPad into a Mac and an Android phone into Linux, and back. */
const kin: Readonly<Record<string, string>> = {
  iPhone: 'Apple',
  iPad: 'Apple',
  macOS: 'Apple',
  Android: 'Linux',
  ChromeOS: 'Linux',
}

/** What stays the same about a device through every update of its browser and its system. */
export function fingerprintOf(userAgent: string): string {
  const { browser = '', system = '' } = readUserAgent(userAgent)
  return `${browser}/${kin[system] ?? system}`
}
