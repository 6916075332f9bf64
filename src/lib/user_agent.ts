/** Browser and system of a User-Agent header: coarse, to show to End-Users and to recognise another device. https://www.rfc-editor.org/rfc/rfc9110#section-10.1.5 */

export interface Device {
  /** The common name; undefined when the header has no known one. */
  browser?: string
  system?: string
}

/** The first match counts: most browsers also name those below them. */
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

/** Longer than the header of any browser. */
const longest = 500

export function readUserAgent(userAgent: string): Device {
  const text = userAgent.slice(0, longest)
  const find = (table: typeof browsers) => table.find(([, pattern]) => pattern.test(text))?.[0]
  const [browser, system] = [find(browsers), find(systems)]
  return { ...(browser !== undefined && { browser }), ...(system !== undefined && { system }) }
}

/** "Request desktop site" turns an iPad into a Mac and an Android phone into Linux, and back. */
const systemFamily: Readonly<Record<string, string>> = {
  iPhone: 'Apple',
  iPad: 'Apple',
  macOS: 'Apple',
  Android: 'Linux',
  ChromeOS: 'Linux',
}

/** Browser and system family, which stay the same when the browser or the system is updated. */
export function fingerprintOf(userAgent: string): string {
  const { browser = '', system = '' } = readUserAgent(userAgent)
  return `${browser}/${systemFamily[system] ?? system}`
}
