/** The password page: needs the current password, or a recent sign-in when the account has none. OWASP ASVS 5.0 V6.2.2, V6.2.3. https://owasp.org/www-project-application-security-verification-standard/ */
import { say } from '../../lib/say.ts'
import { defineFeature } from '../../contracts/feature.ts'
import { changePassword, passwordPath } from './change_password.ts'
import { changePasswordUrl } from './well_known.ts'

export const password = defineFeature({
  name: 'password',
  endpoints: [changePassword, changePasswordUrl],
  accountSections: [
    {
      name: 'password',
      path: passwordPath,
      title: 'password.title',
      order: 20,
      summary: async (_context, { user }) =>
        say(user.password_hash === undefined ? 'password.summary_none' : 'password.summary'),
    },
  ],
})
