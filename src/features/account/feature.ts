/** The account page and the list of events of the account. https://owasp.org/www-project-application-security-verification-standard/ */
import { noteEvent } from '../../people/tell_owner.ts'
import { defineFeature } from '../../contracts/feature.ts'
import { recentAlarms } from './alarms.ts'
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
      icon: 'history',
      attention: recentAlarms,
    },
  ],
  sessions: {
    async signedIn(call, context, { user }) {
      await noteEvent(call, context, user.sub, { kind: 'signed_in' })
      return []
    },
  },
})
