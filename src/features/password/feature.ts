/** The password page: needs the current password, or a recent sign-in when the account has none. OWASP ASVS 5.0 V6.2.2, V6.2.3. https://owasp.org/www-project-application-security-verification-standard/ */
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
      icon: 'lock-keyhole',
    },
  ],
})
