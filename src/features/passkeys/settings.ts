/** Configuration of passkeys. docs/configuration.md */
import { isIP } from '../../lib/ip.ts'
import { type Config, defineEntries, featureConfig } from '../../config.ts'
import * as is from '../../config/schemas.ts'
import type { Context } from '../../contracts/context.ts'

export const env = defineEntries([
  {
    name: 'PASSKEYS',
    realm: 'own_or_server',
    schema: is.boolean,
    default: 'true',
    help: 'Sign-in with passkeys. They are bound to PASSKEY_RP_ID and cannot be used under another one.',
  },
  {
    name: 'PASSKEY_RP_ID',
    realm: 'server',
    schema: is.domain,
    computed: 'the host of `ISSUER_URL`',
    help: 'The domain that passkeys are bound to (WebAuthn RP ID): the host of ISSUER_URL or a domain above it. Another domain must answer at /.well-known/webauthn with the origin of ISSUER_URL: name that origin in PASSKEY_RELATED_ORIGINS and let the domain lead here. Passkeys made under an RP ID are useless under another.',
  },
  {
    name: 'PASSKEY_RELATED_ORIGINS',
    realm: 'server',
    schema: is.origins,
    default: '',
    help: 'Origins that /.well-known/webauthn lists: their pages may ask browsers for passkeys of PASSKEY_RP_ID, although they are not under that domain. Only answers to pages of ISSUER_URL are accepted here.',
  },
  {
    name: 'PASSKEY_OFFER',
    realm: 'own_or_server',
    schema: is.boolean,
    default: 'true',
    help: 'Offers a passkey after a sign-in with a password, if the browser can make one. "Not now" is respected for 90 days.',
  },
  {
    name: 'PASSKEY_LOSS_WAIT',
    realm: 'own_or_server',
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

/** The RP ID. Browsers check it with their list of public suffixes. */
export const rpIdOf = (config: Config): string =>
  featureConfig(config, 'passkeys', env).passkeyRpId ?? new URL(config.issuer).hostname

export function problems(config: Config): string[] {
  const { passkeyRelatedOrigins: related } = featureConfig(config, 'passkeys', env)
  const { hostname, origin } = new URL(config.issuer)
  const rpId = rpIdOf(config)
  const isAbove = hostname === rpId || hostname.endsWith(`.${rpId}`)
  const odd = related.find((each) => !each.startsWith('https://'))
  return [
    ...(isAbove || related.includes(origin)
      ? []
      : [
          `PASSKEY_RP_ID: expected ${hostname} or a domain above it, got ${JSON.stringify(rpId)}; for another domain name ${origin} in PASSKEY_RELATED_ORIGINS`,
        ]),
    ...(odd === undefined
      ? []
      : [`PASSKEY_RELATED_ORIGINS: expected origins with https, got ${JSON.stringify(odd)}`]),
  ]
}

export const settings = (context: Context) => featureConfig(context.config, 'passkeys', env)
