/** Tries whether the host of a URL can be connected to, under the rules of the outbound fetcher, without a request. */
import type { Config } from '../config.ts'
import { isIP } from '../lib/ip.ts'
import { type OutboundError, unreachable } from './error.ts'
import { authoritiesFor, systemResolve } from './outbound.ts'
import { addressesOf, readTarget, type Target } from './target.ts'

type Settings = Pick<Config, 'outboundAllowHosts' | 'outboundTimeoutMs' | 'outboundCaPath'>

/** Resolves after the TCP connection, for https after the TLS handshake. Rejects with OutboundError, or SettingFault of OUTBOUND_CA_PATH. */
export async function connectTo(url: string, config: Settings): Promise<void> {
  const target = readTarget(url, new Set(config.outboundAllowHosts))
  const ca = target.secure ? await authoritiesFor(config)() : undefined
  const [address] = await addressesOf(target, systemResolve)
  await handshake(target, address!, ca, config.outboundTimeoutMs)
}

async function handshake(
  { host, port, secure }: Target,
  address: string,
  ca: readonly string[] | undefined,
  timeoutMs: number,
): Promise<void> {
  const [{ connect }, tls] = await Promise.all([import('node:net'), import('node:tls')])
  return new Promise((resolve, reject) => {
    const socket = secure
      ? tls.connect({
          host: address,
          port,
          ...(isIP(host) === 0 && { servername: host }),
          ...(ca && { ca: [...ca] }),
          rejectUnauthorized: true,
        })
      : connect({ host: address, port })
    const end = (then: () => void) => {
      clearTimeout(timer)
      socket.destroy()
      then()
    }
    const fail = (error: OutboundError) => end(() => reject(error))
    const timer = setTimeout(() => fail(unreachable(`no answer within ${timeoutMs} ms`)), timeoutMs)
    socket.on('error', (error: NodeJS.ErrnoException) => fail(unreachable(error.code ?? error.message)))
    socket.on(secure ? 'secureConnect' : 'connect', () => end(resolve))
  })
}
