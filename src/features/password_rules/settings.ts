/** What an operator may say of new passwords. docs/configuration.md */
import * as v from 'valibot'
import { defineEntries, featureConfig } from '../../config.ts'
import * as is from '../../config/schemas.ts'
import type { Context } from '../../contracts/context.ts'

/** In any letters. */
const wordsOfTheHouse = v.pipe(
  v.string(),
  v.transform((text) => text.split(/\s+/).filter(Boolean)),
  v.description('words separated by spaces'),
)

export const env = defineEntries([
  {
    name: 'PASSWORD_WORDS',
    schema: wordsOfTheHouse,
    help: 'Words of your house that a new password may not be made of: products, projects, places. The name of the service, the host of ISSUER_URL and what is known of the person are refused anyway.',
  },
  {
    name: 'PASSWORD_BREACH_URL',
    schema: is.webUrl,
    help: 'Asked whether a new password is known from a breach, by range: five characters of its SHA-1 are appended. https://api.pwnedpasswords.com/range/ is one. Nobody is asked without it; when it does not answer the password may be used.',
  },
])

export const settings = (context: Context) => featureConfig(context.config, 'password_rules', env)
