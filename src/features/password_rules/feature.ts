/** What a new password may not be: common, made of words that others know, or known from a breach. OWASP ASVS 5.0 V6.2.4, V6.2.11, V6.2.12. https://pages.nist.gov/800-63-4/sp800-63b.html */
import { say } from '../../lib/say.ts'
import { defineFeature } from '../../contracts/feature.ts'
import { isBreached } from './breach.ts'
import { isCommon } from './tried_first.ts'
import { leansOn, serviceWords } from './own_words.ts'
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
        (await leansOn([...serviceWords(context), ...about], password))
          ? say('password.own_words')
          : undefined,
    },
    {
      // Last: what is refused here need not be asked elsewhere.
      name: 'breach',
      problem: async (context, password) =>
        (await isBreached(context, password)) ? say('password.breached') : undefined,
    },
  ],
})
