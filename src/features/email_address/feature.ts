/** The email address of an account: proven by a mailed link. A change needs a recent sign-in and is reported to the old address. https://openid.net/specs/openid-connect-core-1_0.html#StandardClaims */
import { mailsLeave } from '../../people/mail.ts'
import { foreignText } from '../../html/foreign_text.ts'
import { withdrawVerification } from '../../people/verification.ts'
import { say } from '../../lib/say.ts'
import { PendingEmail } from '../../models/pending_email.ts'
import { defineFeature } from '../../contracts/feature.ts'
import { account, emailPath } from './account.ts'
import { verify } from './verify.ts'
import { provenEmail } from '../../models/user.ts'

export const emailAddress = defineFeature({
  name: 'email_address',
  when: mailsLeave,
  endpoints: [account, verify],
  accountSections: [
    {
      name: 'email',
      path: emailPath,
      title: 'email.title',
      order: 15,
      icon: 'mail',
      async attention(_context, { user }) {
        const { email } = user.claims
        if (typeof email !== 'string')
          return [{ kind: 'advice', text: say('email.none'), action: say('email.add') }]
        if (provenEmail(user) !== undefined) return []
        const text = say('email.summary_unverified', { email: foreignText(email) })
        return [{ kind: 'advice', text, action: say('email.resend') }]
      },
    },
  ],
  personData: [
    {
      name: 'pending_email',
      read: async (context, sub) => (await PendingEmail.find(context, sub))?.address,
      erase: async (context, sub) => void (await withdrawVerification(context, sub)),
    },
  ],
})
