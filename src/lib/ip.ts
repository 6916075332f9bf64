/** Whether a text is an IP address. `node:net`, which takes 4 ms to load, decides for the spellings of IPv6 that are rare. */
import { lazy } from './lazy.ts'

const net = lazy(() => process.getBuiltinModule('node:net'))

const octet = String.raw`(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)`
const v4 = new RegExp(`^${octet}(?:\\.${octet}){3}$`)
const v6Characters = /^[\da-f:.]+$/i

/** What the URL parser reads as IPv6. It lets one colon stand at the end, which is none. */
const isUsualV6 = (text: string): boolean =>
  v6Characters.test(text) && !/[^:]:$/.test(text) && URL.canParse(`http://[${text}]`)

export const isIPv4 = (text: string): boolean => v4.test(text)
export const isIPv6 = (text: string): boolean => text.includes(':') && (isUsualV6(text) || net().isIPv6(text))

/** 4, 6, or 0 for what is not an IP address. */
export const isIP = (text: string): number => (isIPv4(text) ? 4 : isIPv6(text) ? 6 : 0)
