/** Shows mails on a page in development. It is a feature, so that the page does not exist where mails are sent. https://www.rfc-editor.org/rfc/rfc5321 */
import { defineFeature } from '../../contracts/feature.ts'
import { mailsAreShown } from '../../people/mail.ts'
import { devMail, devMailHtml } from './dev_mail.ts'

export const devMailFeature = defineFeature({
  name: 'dev_mail',
  when: mailsAreShown,
  endpoints: [devMail, devMailHtml],
})
