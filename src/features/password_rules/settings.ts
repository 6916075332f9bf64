/** The variables of the rules for new passwords. docs/configuration.md */
import * as v from 'valibot'
import { defineEntries, featureConfig } from '../../config.ts'
import * as is from '../../config/schemas.ts'
import type { Context } from '../../contracts/context.ts'

const Words = v.pipe(
  v.string(),
  v.transform((text) => text.split(/\s+/).filter(Boolean)),
  v.description('words separated by spaces'),
)

export const env = defineEntries([
  {
    name: 'PASSWORD_WORDS',
    realm: 'own_or_server',
    schema: Words,
    help: 'Words that a new password must not be made of, such as products, projects and places of your organisation. The name of the service, the host of ISSUER_URL and what is known of the End-User are always refused.',
  },
  {
    name: 'PASSWORD_BREACH_URL',
    realm: 'own_or_server_by_command',
    schema: is.webUrl,
    outbound: is.urlsIn,
    help: 'Service that says whether a new password is known from a breach. Five characters of its SHA-1 are appended to the URL, as for https://api.pwnedpasswords.com/range/. Unset: no check. If the service does not answer, the password is accepted.',
  },
])

export const settings = (context: Context) => featureConfig(context.config, 'password_rules', env)
