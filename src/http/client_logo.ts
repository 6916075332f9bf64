/** The path at which this provider serves the logo of a client that registered itself. */
import { formEncode } from '../auth/redirect_uri.ts'
import type { Context } from '../contracts/context.ts'
import { foreignUrl } from '../html/foreign_text.ts'
import { equalInConstantTime } from '../lib/equal.ts'
import { deriveKey, hmac } from '../lib/hash.ts'
import type { Params } from '../auth/params.ts'

export const clientLogoPath = '/client_logo'

const macOf = (uri: string, { config }: Context): string =>
  hmac(deriveKey(config.secretKey, 'logos of clients'), uri)

/** Undefined when such logos are not shown, or for a URL that is not https. The MAC keeps the endpoint from fetching other URLs. */
export function logoPathOf(logoUri: string | undefined, context: Context): string | undefined {
  const uri = context.config.unverifiedClientLogos ? foreignUrl(logoUri, ['https:']) : undefined
  return uri === undefined
    ? undefined
    : `${context.basePath}${clientLogoPath}?${formEncode({ uri, mac: macOf(uri, context) })}`
}

/** The URL of the logo, if `logoPathOf` made these parameters and logos are shown. */
export const logoUriOf = ({ uri = '', mac = '' }: Params, context: Context): string | undefined =>
  context.config.unverifiedClientLogos && equalInConstantTime(mac, macOf(uri, context)) ? uri : undefined
