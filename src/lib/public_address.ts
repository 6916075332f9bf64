/** Which IP addresses belong to the public Internet, and not to this machine or a private network. https://www.iana.org/assignments/iana-ipv4-special-registry https://www.iana.org/assignments/iana-ipv6-special-registry */
import { isIPv4, isIPv6 } from './ip.ts'
import { inNetworks, parseNetworks } from './address.ts'
import { lazy } from './lazy.ts'

const networks = (rows: Readonly<Record<string, string>>) =>
  lazy(() => parseNetworks(Object.values(rows).join(',')))

const specialV4 = networks({
  'this network, and unspecified': '0.0.0.0/8',
  private: '10.0.0.0/8,172.16.0.0/12,192.168.0.0/16',
  'carrier-grade NAT; Alibaba metadata': '100.64.0.0/10',
  loopback: '127.0.0.0/8',
  'link-local; metadata of most clouds': '169.254.0.0/16',
  'Azure metadata and DNS, in public space': '168.63.129.16/32',
  'protocol assignments; Oracle metadata': '192.0.0.0/24',
  documentation: '192.0.2.0/24,198.51.100.0/24,203.0.113.0/24',
  'AS112 and AMT': '192.31.196.0/24,192.52.193.0/24,192.175.48.0/24',
  '6to4 relays': '192.88.99.0/24',
  benchmarks: '198.18.0.0/15',
  multicast: '224.0.0.0/4',
  'reserved, and broadcast': '240.0.0.0/4',
})

/** Every address outside it is special: loopback, ULA, link-local, multicast, IPv4-mapped and -compatible, NAT64, SRv6. */
const globalV6 = networks({ 'global unicast': '2000::/3' })

const specialV6 = networks({
  'protocol assignments: Teredo, benchmarks, ORCHID, AMT': '2001::/23',
  documentation: '2001:db8::/32,3fff::/20',
  '6to4, which carries an IPv4 address': '2002::/16',
  AS112: '2620:4f:8000::/48',
})

/**
 * Whether a request to `ip` (in the spelling of a resolver) is allowed when a client or an End-User chose its URL. False
 * for text that is not an IP address, special-purpose addresses, IPv6 that contains an IPv4 address, and a zone.
 */
export function isPublicAddress(ip: string): boolean {
  if (isIPv4(ip)) return !inNetworks(ip, specialV4())
  // `inNetworks` reads ::ffff:8.8.8.8 as IPv4, so it is in no IPv6 network and is refused.
  return isIPv6(ip) && !ip.includes('%') && inNetworks(ip, globalV6()) && !inNetworks(ip, specialV6())
}
