/** The account section that lists the access of clients and withdraws it. https://www.rfc-editor.org/rfc/rfc9700#section-4.14.2 */
import { say } from '../../lib/say.ts'
import { defineFeature } from '../../contracts/feature.ts'
import { accessOfUser } from './access.ts'
import { accessPage, accessPath } from './access_page.ts'

export const applicationsAccess = defineFeature({
  name: 'applications',
  endpoints: [accessPage],
  accountSections: [
    {
      name: 'applications',
      path: accessPath,
      title: 'access.title',
      order: 70,
      icon: 'layout-grid',
      async summary(context, { user }) {
        const n = (await accessOfUser(context, user.sub)).length
        return n === 0 ? say('access.none') : say('access.summary', { n })
      },
    },
  ],
})
