/** Mail: what waits in the outbox is delivered over SMTP, and shown here in development. https://www.rfc-editor.org/rfc/rfc5321 */
import { readFileSync } from 'node:fs'
import { featureConfig } from '../../config.ts'
import { mailsLeave } from '../../people/mail.ts'
import { defineFeature } from '../../contracts/feature.ts'
import { deliverDue } from './deliver.ts'
import { devMail, devMailHtml } from './dev_mail.ts'
import { env } from './settings.ts'

export const mail = defineFeature({
  name: 'mail',
  env,
  when: mailsLeave,
  problems(config) {
    const { smtpCaPath } = featureConfig(config, 'mail', env)
    try {
      if (smtpCaPath !== undefined) readFileSync(smtpCaPath)
      return []
    } catch (error) {
      return [`SMTP_CA_PATH: expected a readable file (${(error as NodeJS.ErrnoException).code})`]
    }
  },
  jobs: [{ name: 'mail', every: 2, run: deliverDue }],
})

/** A feature of its own, so that its pages are not merely locked where mails leave: they are not there. */
export const devMailFeature = defineFeature({
  name: 'dev_mail',
  when: (config) =>
    config.environment === 'development' && featureConfig(config, 'mail', env).smtpUrl === undefined,
  endpoints: [devMail, devMailHtml],
})
