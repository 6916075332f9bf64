/** The account page and the list of events of the account. https://owasp.org/www-project-application-security-verification-standard/ */
import { noteEvent } from '../../people/tell_owner.ts'
import { say } from '../../lib/say.ts'
import { defineFeature } from '../../contracts/feature.ts'
import { activity, activityPath } from './activity.ts'
import { overview } from './overview.ts'

export const account = defineFeature({
  name: 'account',
  endpoints: [overview, activity],
  accountSections: [
    {
      name: 'activity',
      path: activityPath,
      title: 'activity.title',
      order: 80,
      summary: async () => say('activity.summary'),
    },
  ],
  sessions: {
    async signedIn(call, context, { user }) {
      await noteEvent(call, context, user.sub, { kind: 'signed_in' })
      return []
    },
  },
})
