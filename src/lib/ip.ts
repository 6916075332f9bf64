/** Whether a text is an IP address. `node:net` decides for IPv6, and is loaded at the first text with a colon: it takes 4 ms. */
import { lazy } from './lazy.ts'

const net = lazy(() => process.getBuiltinModule('node:net'))

const octet = String.raw`(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)`
const v4 = new RegExp(`^${octet}(?:\\.${octet}){3}$`)

export const isIPv4 = (text: string): boolean => v4.test(text)
export const isIPv6 = (text: string): boolean => text.includes(':') && net().isIPv6(text)

/** 4, 6, or 0 for what is not an IP address. */
export const isIP = (text: string): number => (isIPv4(text) ? 4 : isIPv6(text) ? 6 : 0)
