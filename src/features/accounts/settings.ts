/** The variables of account registration. docs/configuration.md */
import { type Config, defineEntries, featureConfig } from '../../config.ts'
import * as is from '../../config/schemas.ts'
import type { Context } from '../../contracts/context.ts'

export const env = defineEntries([
  {
    name: 'ACCOUNT_REGISTRATION',
    realm: 'own_or_server',
    schema: is.oneOf('open', 'invitation', 'closed'),
    default: { development: 'open', production: 'closed' },
    help: 'Who may create an account. open: any End-User with an email address (needs SMTP_URL). invitation: End-Users invited with `latchkey invite`. closed: only the operator creates accounts.',
  },
  {
    name: 'ACCOUNT_REGISTRATION_DOMAINS',
    realm: 'own_or_server',
    schema: is.domains,
    help: 'Domains whose addresses may register when ACCOUNT_REGISTRATION is open; a subdomain must be listed itself. Invitations are not limited.',
  },
])

export const settingsOf = (config: Config) => featureConfig(config, 'accounts', env)
export const settings = (context: Context) => settingsOf(context.config)

/** `email` in canonical spelling. */
export function domainMayRegister(context: Context, email: string): boolean {
  const { accountRegistrationDomains: domains } = settings(context)
  return !domains?.length || domains.includes(email.slice(email.lastIndexOf('@') + 1))
}
