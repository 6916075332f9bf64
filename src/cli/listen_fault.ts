/** Why the server cannot listen, by the variable to mend. The runtime names some causes wrongly, so the name of HOST is looked up first. https://man7.org/linux/man-pages/man2/bind.2.html */
import { lookup } from 'node:dns/promises'
import { readFileSync } from 'node:fs'
import { isIP } from 'node:net'
import { networkInterfaces } from 'node:os'
import type { Config } from '../config.ts'
import { SettingFault } from '../config/setting_fault.ts'

type Address = Pick<Config, 'host' | 'port'>

const ways = 'HOST=127.0.0.1 is for this machine alone, HOST=0.0.0.0 for every network it is in'

/** `error` is what the runtime threw. A fault that is named already, and an error without a code of the system, stay as they are. */
export async function listenFault(error: unknown, { host, port }: Address): Promise<unknown> {
  if (error instanceof SettingFault) return error
  const nameless = await nameProblem(host)
  if (nameless !== undefined) return new SettingFault('HOST', nameless)
  const code = error instanceof Error && 'code' in error ? String(error.code) : undefined
  if (code === 'EADDRINUSE') return new SettingFault('PORT', inUse({ host, port }))
  if (code === 'EACCES' || code === 'EPERM') return new SettingFault('PORT', privileged({ host, port }))
  if (code === 'EADDRNOTAVAIL')
    return new SettingFault(
      'HOST',
      `expected an address of this machine, got ${host}. This machine has ${ownAddresses().join(', ')}; ${ways}`,
    )
  if (code === undefined) return error
  return new SettingFault('HOST', `cannot listen at ${host}, port ${port} (${code}). ${ways}`)
}

async function nameProblem(host: string): Promise<string | undefined> {
  if (isIP(host) > 0) return undefined
  try {
    await lookup(host)
    return undefined
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    return `expected an address of this machine or a name that has one, got ${host}, which has no address (${code}). ${ways}`
  }
}

const inUse = ({ host, port }: Address): string =>
  `port ${port} of ${host} is in use: stop what listens there, or choose another, such as PORT=${port < 65_535 ? port + 1 : port - 1}`

const privileged = ({ host, port }: Address): string =>
  `port ${port} of ${host} is for privileged processes, and this user may use ports from ${firstFreePort()} on. Choose one, such as PORT=${port + 8000 <= 65_535 ? Math.max(port + 8000, firstFreePort()) : firstFreePort()}, with a proxy in front; or give the service the right CAP_NET_BIND_SERVICE (systemd: AmbientCapabilities=CAP_NET_BIND_SERVICE)`

/** Linux lets an administrator choose it. */
function firstFreePort(): number {
  try {
    return Number(readFileSync('/proc/sys/net/ipv4/ip_unprivileged_port_start', 'utf8')) || 1024
  } catch {
    return 1024
  }
}

const ownAddresses = (): string[] =>
  Object.values(networkInterfaces()).flatMap((each) => (each ?? []).map(({ address }) => address))
