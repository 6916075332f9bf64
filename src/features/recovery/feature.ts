/** Password recovery: mails a link to the proven address of the account. No answer tells whether an account exists. https://cheatsheetseries.owasp.org/cheatsheets/Forgot_Password_Cheat_Sheet.html */
import { defineEntries, featureConfig } from '../../config.ts'
import * as is from '../../config/schemas.ts'
import { mailsLeave } from '../../people/mail.ts'
import { forgetLinks } from '../../people/reset_link.ts'
import { defineFeature } from '../../contracts/feature.ts'
import { forgot, forgotPath } from './forgot.ts'
import { answerRequests, jobName } from './job.ts'
import { reset } from './reset.ts'

const env = defineEntries([
  {
    name: 'PASSWORD_RECOVERY',
    realm: 'own_or_server',
    schema: is.boolean,
    default: 'true',
    help: 'Mails a link to choose another password to End-Users who forgot theirs, where mail is sent (SMTP_URL).',
  },
])

export const recovery = defineFeature({
  name: 'recovery',
  env,
  when: (config) => mailsLeave(config) && featureConfig(config, 'recovery', env).passwordRecovery,
  endpoints: [forgot, reset],
  loginLinks: [
    {
      name: 'recovery',
      label: 'recovery.link',
      path: (_context, { handle }) => `${forgotPath}?interaction=${handle}`,
    },
  ],
  personData: [
    {
      name: 'recovery',
      read: async () => undefined,
      erase: async (context, sub) => void (await forgetLinks(context, sub)),
    },
  ],
  jobs: [{ name: jobName, every: 2, run: answerRequests }],
})
