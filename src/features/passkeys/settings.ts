/** Configuration of passkeys. docs/configuration.md */
import { isIP } from '../../lib/ip.ts'
import { type Config, defineEntries, featureConfig } from '../../config.ts'
import * as is from '../../config/schemas.ts'
import type { Context } from '../../contracts/context.ts'

export const env = defineEntries([
  {
    name: 'PASSKEYS',
    schema: is.boolean,
    default: 'true',
    help: 'Sign-in with passkeys. They are bound to the host of ISSUER_URL and cannot be used under another one.',
  },
  {
    name: 'PASSKEY_OFFER',
    schema: is.boolean,
    default: 'true',
    help: 'Offers a passkey after a sign-in with a password, if the browser can make one. "Not now" is respected for 90 days.',
  },
  {
    name: 'PASSKEY_LOSS_WAIT',
    schema: is.seconds(0, 2_592_000),
    default: '259200',
    help: 'How long an End-User who lost all passkeys waits before a mailed code removes them. 0: not offered.',
  },
])

/** An RP ID is a domain (WebAuthn §5.1.2), so passkeys are off if the host of the issuer is an IP address. */
export const switchedOn = (config: Config): boolean => {
  const host = new URL(config.issuer).hostname.replace(/^\[|\]$/g, '')
  return featureConfig(config, 'passkeys', env).passkeys && isIP(host) === 0
}

export const settings = (context: Context) => featureConfig(context.config, 'passkeys', env)
