/** Sessions and devices: the list of sessions, their number, and the device of each. https://owasp.org/www-project-application-security-verification-standard/ */
import { noteEvent } from '../../people/tell_owner.ts'
import { say } from '../../lib/say.ts'
import { Session } from '../../models/session.ts'
import { defineFeature } from '../../contracts/feature.ts'
import { countDevices, forgetDevices, rememberDevice, sameDevice } from './device.ts'
import { forgetAdmitted, admitSession } from './limit.ts'
import { policyPage } from './policy_page.ts'
import { sessionsPage, sessionsPath } from './sessions_page.ts'
import { env } from './settings.ts'

export const sessions = defineFeature({
  name: 'sessions',
  env,
  endpoints: [sessionsPage, policyPage],
  sessions: {
    holds: sameDevice,
    async signedIn(call, context, { user, session }) {
      const ended = await admitSession(context, session)
      for (const _ of ended) await noteEvent(call, context, user.sub, { kind: 'session_limit' })
      await rememberDevice(call, context, user)
      return []
    },
  },
  accountSections: [
    {
      name: 'sessions',
      path: sessionsPath,
      title: 'sessions.title',
      order: 60,
      icon: 'monitor-smartphone',
      summary: async (context, { user }) =>
        say('sessions.summary', { n: (await Session.listOfUser(context, user.sub)).length }),
    },
  ],
  personData: [
    {
      name: 'known_devices',
      read: async (context, sub) => ({ count: await countDevices(context, sub) }),
      async erase(context, sub) {
        await forgetDevices(context, sub)
        await forgetAdmitted(context, sub)
      },
    },
  ],
})
