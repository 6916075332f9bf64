/** What an operator may say of how accounts are made. docs/configuration.md */
import { type Config, defineEntries, featureConfig } from '../../config.ts'
import * as is from '../../config/schemas.ts'
import type { Context } from '../../contracts/context.ts'

export const env = defineEntries([
  {
    name: 'ACCOUNT_REGISTRATION',
    schema: is.oneOf('open', 'invitation', 'closed'),
    default: { development: 'open', production: 'closed' },
    help: 'Who may make an account: everybody with an email address (open, which needs SMTP_URL), those who were invited with `latchkey invite`, or nobody.',
  },
  {
    name: 'ACCOUNT_REGISTRATION_DOMAINS',
    schema: is.domains,
    help: 'Where registration is open: the domains whose addresses may register, each without its subdomains. Invitations go anywhere.',
  },
])

export const settingsOf = (config: Config) => featureConfig(config, 'accounts', env)
export const settings = (context: Context) => settingsOf(context.config)

/** `email` in canonical spelling. */
export function domainMayRegister(context: Context, email: string): boolean {
  const { accountRegistrationDomains: domains } = settings(context)
  return !domains?.length || domains.includes(email.slice(email.lastIndexOf('@') + 1))
}
