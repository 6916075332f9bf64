/** The path at which this provider serves the logo of a client that registered itself. */
import { formEncode } from '../auth/redirect_uri.ts'
import type { Context } from '../contracts/context.ts'
import { foreignUrl } from '../html/foreign_text.ts'
import { deriveKeys, isMacOf, type Keys, macOf } from '../lib/secret_keys.ts'
import type { Params } from '../auth/params.ts'

export const clientLogoPath = '/client_logo'

const keysOf = ({ config }: Context): Keys => deriveKeys(config.secretKey, 'logos of clients')

/** Undefined when such logos are not shown, or for a URL that is not https. The MAC keeps the endpoint from fetching other URLs. */
export function logoPathOf(logoUri: string | undefined, context: Context): string | undefined {
  const uri = context.config.unverifiedClientLogos ? foreignUrl(logoUri, ['https:']) : undefined
  return uri === undefined
    ? undefined
    : `${context.basePath}${clientLogoPath}?${formEncode({ uri, mac: macOf(keysOf(context), uri) })}`
}

/** The URL of the logo, if `logoPathOf` made these parameters and logos are shown. */
export const logoUriOf = ({ uri = '', mac = '' }: Params, context: Context): string | undefined =>
  context.config.unverifiedClientLogos && isMacOf(keysOf(context), uri, mac) ? uri : undefined
