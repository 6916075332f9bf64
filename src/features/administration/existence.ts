/** Whether the administration exists for a request: on ADMIN_HOST alone, for ADMIN_NETWORKS alone. docs/administration.md */
import type { Call } from '../../contracts/call.ts'
import type { Context } from '../../contracts/context.ts'
import type { Config } from '../../config.ts'
import { isFromNetworks } from '../../http/from_networks.ts'
import { isAtHost, pageBaseOf } from '../../http/page_base.ts'
import { adminPageBase, settingsOf } from './settings.ts'

/** The port that ADMIN_HOST names is compared, too. The default one of the scheme may be left out of Host. */
function isAtAdminHost(call: Call, config: Config): boolean {
  const { adminHost } = settingsOf(config)
  if (adminHost === undefined) return true
  const { hostname, port } = adminHost
  const usual = config.issuer.startsWith('https:') ? '443' : '80'
  const ports = port === usual ? [port, undefined] : [port]
  return isAtHost(call, { hostname, ports: port === undefined ? undefined : ports })
}

const isFromAdminNetworks = (call: Call, config: Config): boolean => {
  const { adminNetworks } = settingsOf(config)
  return adminNetworks.length === 0 || isFromNetworks(call, adminNetworks, config)
}

/** For `exists` of every endpoint of the administration, its pages included. */
export const administrationExists = (call: Call, { config }: Context): boolean =>
  isAtAdminHost(call, config) && isFromAdminNetworks(call, config)

/** For `exists` of the one page that leads from the issuer to the pages at ADMIN_HOST. */
export function entryExists(call: Call, context: Context): boolean {
  const { config } = context
  const isElsewhere = adminPageBase(config) !== undefined && pageBaseOf(call, context) === undefined
  return isElsewhere && isFromAdminNetworks(call, config)
}

/** For `exists` of pages that are at ADMIN_HOST alone, where it has another host name than the issuer. */
export const ownHostExists = (call: Call, context: Context): boolean =>
  adminPageBase(context.config) !== undefined && administrationExists(call, context)

/** In a realm there is none of what is of the whole process: the log and its jobs. */
export const isOfServer = ({ realm }: Context): boolean => realm === undefined

/** For the pages and routes of realms: a server with REALMS, and no realm itself. */
export const realmsExist = ({ realms }: Context): boolean => realms !== undefined
