/** The rules for new passwords: not common, not made of words of the service or the account, not known from a breach. OWASP ASVS 5.0 V6.2.4, V6.2.11, V6.2.12. https://pages.nist.gov/800-63-4/sp800-63b.html */
import { say } from '../../lib/say.ts'
import { defineFeature } from '../../contracts/feature.ts'
import { isBreached } from './breach.ts'
import { isCommon } from './common_passwords.ts'
import { isMadeOf, serviceWords } from './own_words.ts'
import { env } from './settings.ts'

export const passwordRules = defineFeature({
  name: 'password_rules',
  env,
  passwordRules: [
    {
      name: 'common',
      problem: async (_context, password) =>
        (await isCommon(password)) ? say('password.common') : undefined,
    },
    {
      name: 'own_words',
      problem: async (context, password, about) =>
        (await isMadeOf([...serviceWords(context), ...about], password))
          ? say('password.own_words')
          : undefined,
    },
    {
      // Last, so that a password that another rule refuses is not sent to the service.
      name: 'breach',
      problem: async (context, password) =>
        (await isBreached(context, password)) ? say('password.breached') : undefined,
    },
  ],
})
