/** Whether a text is an IP address. `node:net` decides, and is loaded at the first text that may be one: it takes 2 ms. */
import { lazy } from './lazy.ts'

const net = lazy(() => process.getBuiltinModule('node:net'))

/** Every IPv6 address has a colon, and an IPv4 address has digits and dots alone. */
const mayBe = (text: string): boolean => text.includes(':') || /^[\d.]+$/.test(text)

/** 4, 6, or 0 for what is not an IP address. */
export const isIP = (text: string): number => (mayBe(text) ? net().isIP(text) : 0)
export const isIPv4 = (text: string): boolean => isIP(text) === 4
export const isIPv6 = (text: string): boolean => isIP(text) === 6
