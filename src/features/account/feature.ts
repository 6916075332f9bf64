/** The account page and the list of events of the account. https://owasp.org/www-project-application-security-verification-standard/ */
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
})
