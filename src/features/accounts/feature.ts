/** Account registration: End-Users create accounts with a proven address or an invitation. OWASP ASVS 5.0 V6.3, V6.4. https://owasp.org/www-project-application-security-verification-standard/ */
import { mailsLeave } from '../../people/mail.ts'
import { defineFeature } from '../../contracts/feature.ts'
import { create } from './create.ts'
import { register, registerPath } from './register.ts'
import { answerRequests, jobName } from './requests.ts'
import { env, settings, settingsOf } from './settings.ts'

export const accounts = defineFeature({
  name: 'accounts',
  env,
  when: (config) => settingsOf(config).accountRegistration !== 'closed',
  problems: (config) =>
    settingsOf(config).accountRegistration === 'open' && !mailsLeave(config)
      ? ['ACCOUNT_REGISTRATION: open needs SMTP_URL, because addresses are proven by mail']
      : [],
  endpoints: [register, create],
  loginLinks: [
    {
      name: 'register_account',
      label: 'new_account.link',
      prompt: 'create',
      path: (context, { handle }) =>
        settings(context).accountRegistration === 'open'
          ? `${registerPath}?interaction=${handle}`
          : undefined,
    },
  ],
  jobs: [{ name: jobName, every: 2, run: answerRequests }],
})
