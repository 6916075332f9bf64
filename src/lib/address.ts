/** IP addresses and networks, v4 and v6, as numbers. https://www.rfc-editor.org/rfc/rfc4632 https://www.rfc-editor.org/rfc/rfc4291 */
import { createBoundedMap } from './bounded_map.ts'
import { isIPv4, isIPv6 } from './ip.ts'
import { lazy } from './lazy.ts'
import { ownMember } from './own_member.ts'

/** `network` has the bits to the left of `hostBits`, so membership is one shift and one comparison. */
export interface Network {
  readonly family: 4 | 6
  readonly network: bigint
  readonly hostBits: bigint
}

interface Address {
  readonly family: 4 | 6
  readonly value: bigint
}

const words: Readonly<Record<string, string>> = {
  loopback: '127.0.0.0/8,::1/128',
  private: '10.0.0.0/8,172.16.0.0/12,192.168.0.0/16,fc00::/7',
}

const width = (family: 4 | 6): number => (family === 4 ? 32 : 128)

const fromGroups = (groups: readonly string[], radix: number, bits: bigint): bigint =>
  groups.reduce((value, group) => (value << bits) | BigInt(Number.parseInt(group, radix)), 0n)

function parseV6(text: string): bigint {
  // A dotted end (::ffff:1.2.3.4) is two groups in decimal.
  const hex = text.replace(/[\d.]+$/, (tail) => {
    if (!tail.includes('.')) return tail
    const value = fromGroups(tail.split('.'), 10, 8n)
    return `${(value >> 16n).toString(16)}:${(value & 0xffffn).toString(16)}`
  })
  const [head = '', tail] = hex.split('::')
  const left = head ? head.split(':') : []
  const right = tail ? tail.split(':') : []
  const zeros = tail === undefined ? [] : Array<string>(8 - left.length - right.length).fill('0')
  return fromGroups([...left, ...zeros, ...right], 16, 16n)
}

/** Addresses that were read before: most requests come from few proxies, and each is asked about several times. */
const parsed = createBoundedMap<Address>(262_144)
const addressBytes = 200

function parseAddress(text: string): Address | undefined {
  const known = parsed.get(text)
  if (known) return known
  const address = readAddress(text)
  if (address) parsed.set(text, address, addressBytes)
  return address
}

/** An IPv4 address inside IPv6 (::ffff:a.b.c.d) becomes the IPv4 address it is. RFC 4291 §2.5.5.2. */
function readAddress(text: string): Address | undefined {
  if (isIPv4(text)) return { family: 4, value: fromGroups(text.split('.'), 10, 8n) }
  if (!isIPv6(text) || text.includes('%')) return undefined
  const value = parseV6(text)
  return value >> 32n === 0xffffn ? { family: 4, value: value & 0xffffffffn } : { family: 6, value }
}

function parseNetwork(text: string): Network {
  const [ip = '', prefixText, ...rest] = text.split('/')
  const address = parseAddress(ip)
  if (!address || rest.length > 0)
    throw new TypeError(`${JSON.stringify(text)} is not an IP address or network`)
  const bits = width(address.family)
  if (prefixText === undefined) return { family: address.family, network: address.value, hostBits: 0n }
  // ::ffff:10.0.0.0/104 counts its prefix from the IPv6 side.
  const prefix = /^(0|[1-9]\d{0,2})$/.test(prefixText)
    ? Number(prefixText) - (address.family === 4 && ip.includes(':') ? 96 : 0)
    : -1
  if (prefix < 0 || prefix > bits) throw new TypeError(`${JSON.stringify(text)} has no valid prefix length`)
  const hostBits = BigInt(bits - prefix)
  // 10.0.0.1/8 is more likely a mistake for /32 than the intention to trust sixteen million hosts.
  if ((address.value >> hostBits) << hostBits !== address.value) {
    throw new TypeError(`${JSON.stringify(text)} has bits set after its prefix`)
  }
  return { family: address.family, network: address.value >> hostBits, hostBits }
}

/** Comma-separated addresses, CIDR networks and the words `loopback` and `private`. Throws TypeError that names the item. */
export const parseNetworks = (list: string): Network[] =>
  list
    .split(',')
    .map((item) => item.trim())
    .filter(Boolean)
    .flatMap((item) => ownMember(words, item)?.split(',') ?? [item])
    .map(parseNetwork)

/** The address without its zone (`fe80::1%eth0`), which may be any text. Undefined for what is not an IP address. */
export function plainAddress(text: string): string | undefined {
  const plain = text.split('%', 1)[0] ?? ''
  return isIPv4(plain) || isIPv6(plain) ? plain : undefined
}

/** False for what is not an IP address. An IPv6 zone (`fe80::1%eth0`) is ignored. */
export function inNetworks(ip: string, networks: readonly Network[]): boolean {
  if (networks.length === 0) return false
  const address = parseAddress(ip.split('%', 1)[0] ?? '')
  if (!address) return false
  return networks.some(
    ({ family, network, hostBits }) => family === address.family && address.value >> hostBits === network,
  )
}

/**
 * The address range of one client in one spelling: an IPv4 address, or the /64 network of an IPv6 address, because one
 * client can use all addresses of a /64. Text that is not an address is returned unchanged.
 */
export function clientRangeOf(ip: string): string {
  const address = parseAddress(ip.split('%', 1)[0] ?? '')
  if (!address) return ip
  return address.family === 4 ? `${address.value}` : `${(address.value >> 64n).toString(16)}/64`
}

/** The networks of this machine itself. */
export const loopback = lazy(() => parseNetworks('loopback'))

/** Whether every address of the network is this machine. */
export const isLoopbackNetwork = ({ family, network, hostBits }: Network): boolean =>
  loopback().some(
    (own) =>
      own.family === family &&
      hostBits <= own.hostBits &&
      network >> (own.hostBits - hostBits) === own.network,
  )

/** Beside the private ones: those of carriers and overlay networks (RFC 6598), and of one link (RFC 3927, RFC 4291 §2.5.6). */
const privateNetworks = lazy(() => parseNetworks('private,100.64.0.0/10,169.254.0.0/16,fe80::/10'))

/** Names that no public resolver answers: one label, RFC 6761 §6.2, RFC 6762 §3 and appendix G, RFC 8375. */
const localName = /^[^.]+$|\.(?:test|local|localdomain|lan|home|home\.arpa|internal|intranet|private|corp)$/

/** Whether the host of a URL (IPv6 in brackets) is in a private network, or this machine. */
export function isPrivateHost(host: string): boolean {
  const address = plainAddress(host.replace(/^\[(.*)\]$/, '$1'))
  return address === undefined
    ? localName.test(host)
    : inNetworks(address, privateNetworks()) || isLoopbackHost(host)
}

/** Whether the host of a URL (IPv6 in brackets) is this machine: RFC 8252 §8.3, RFC 6761 §6.3. */
export const isLoopbackHost = (host: string): boolean =>
  host === 'localhost' ||
  host.endsWith('.localhost') ||
  inNetworks(host.replace(/^\[(.*)\]$/, '$1'), loopback())
