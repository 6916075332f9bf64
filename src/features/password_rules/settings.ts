/** What an operator may say of new passwords. docs/configuration.md */
import { defineEntries, featureConfig } from '../../config.ts'
import * as is from '../../config/schemas.ts'
import type { Context } from '../../context.ts'

export const env = defineEntries([
  {
    name: 'PASSWORD_BREACH_URL',
    schema: is.webUrl,
    help: 'Asked whether a new password is known from a breach, by range: five characters of its SHA-1 are appended. https://api.pwnedpasswords.com/range/ is one. Nobody is asked without it; when it does not answer the password may be used.',
  },
])

export const settings = (context: Context) => featureConfig(context.config, 'password_rules', env)
