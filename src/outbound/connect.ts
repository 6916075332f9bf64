/** Tries whether the host of a URL can be connected to, under the rules of the outbound fetcher, without a request. */
import type { Config } from '../config.ts'
import { isIP } from '../lib/ip.ts'
import { type OutboundError, unreachable } from './error.ts'
import { authoritiesFor, systemResolve } from './outbound.ts'
import { addressesOf, readTarget, type Target } from './target.ts'

type Settings = Pick<Config, 'outboundAllowHosts' | 'outboundTimeoutMs' | 'outboundCaPath'>

/** What TLS agreed on. */
export interface Handshake {
  /** For example `TLSv1.3`. */
  protocol: string
  /** Milliseconds: the end of the certificate. */
  validTo: number
}

/** The newest version of TLS that is offered, for a look at what a server still accepts. */
interface Offer {
  newest?: 'TLSv1.1'
}

/** Resolves after the TCP connection, for https after the TLS handshake. Rejects with OutboundError, or SettingFault of OUTBOUND_CA_PATH. */
export async function connectTo(
  url: string,
  config: Settings,
  offer: Offer = {},
): Promise<Handshake | undefined> {
  const target = readTarget(url, new Set(config.outboundAllowHosts))
  const ca = target.secure ? await authoritiesFor(config)() : undefined
  const [address] = await addressesOf(target, systemResolve)
  return handshake({ target, address: address!, ca, timeoutMs: config.outboundTimeoutMs, offer })
}

interface Connection {
  target: Target
  address: string
  ca: readonly string[] | undefined
  timeoutMs: number
  offer: Offer
}

async function handshake({
  target: { host, port, secure },
  address,
  ca,
  timeoutMs,
  offer,
}: Connection): Promise<Handshake | undefined> {
  const [{ connect }, tls] = await Promise.all([import('node:net'), import('node:tls')])
  return new Promise((resolve, reject) => {
    const secured = secure
      ? tls.connect({
          host: address,
          port,
          ...(isIP(host) === 0 && { servername: host }),
          ...(ca && { ca: [...ca] }),
          ...(offer.newest && { minVersion: 'TLSv1', maxVersion: offer.newest }),
          rejectUnauthorized: true,
        })
      : undefined
    const socket = secured ?? connect({ host: address, port })
    const end = (then: () => void) => {
      clearTimeout(timer)
      socket.destroy()
      then()
    }
    const fail = (error: OutboundError) => end(() => reject(error))
    const timer = setTimeout(() => fail(unreachable(`no answer within ${timeoutMs} ms`)), timeoutMs)
    socket.on('error', (error: NodeJS.ErrnoException) => fail(unreachable(error.code ?? error.message)))
    socket.on(secured ? 'secureConnect' : 'connect', () => {
      const found = secured && {
        protocol: secured.getProtocol() ?? '',
        validTo: Date.parse(secured.getPeerCertificate().valid_to),
      }
      end(() => resolve(found))
    })
  })
}
