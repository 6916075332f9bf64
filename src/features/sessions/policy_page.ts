/** /account/sessions/policy: explains how long sessions last and what ends them. OWASP ASVS 5.0 V7.1 */
import type { Context } from '../../contracts/context.ts'
import { defineEndpoint } from '../../contracts/endpoint.ts'
import { pageOfPerson } from '../../flow/signed_in_person.ts'
import { accountPage } from '../../flow/account_page.ts'
import { canMail } from '../../people/mail.ts'
import { page } from '../../http/reply.ts'
import { defineView } from '../../html/view.ts'
import { type Said, say } from '../../lib/say.ts'
import { settings } from './settings.ts'

export const policyPath = '/account/sessions/policy'

const list = defineView('session_policy', '<ul class="policy">\n{{rules}}\n</ul>', ['rules'])
const rule = defineView('session_policy_rule', '<li>{{text}}</li>', ['text'])

export const policyPage = defineEndpoint({
  name: 'account_sessions_policy',
  path: policyPath,
  advertised: false,
  limited: true,
  page: true,
  get: pageOfPerson(policyPath, (_call, context) => {
    const html = accountPage(context, {
      current: '/account/sessions',
      title: say('sessions.policy_title'),
      main: list({ rules: rulesOf(context).map((text) => rule({ text })) }),
    })
    return page(200, html)
  }),
})

/** The rules that the configuration puts in force. */
function rulesOf(context: Context): Said[] {
  const { sessionIdleTtl, sessionTtl } = context.config
  const { sessionLimit: n, sessionLimitPolicy, sessionDeviceCheck, newDeviceMail } = settings(context)
  const rules = [
    say('sessions.policy_idle', { time: durationWords(sessionIdleTtl) }),
    say('sessions.policy_absolute', { time: durationWords(sessionTtl) }),
  ]
  if (n > 0)
    rules.push(
      say(sessionLimitPolicy === 'refuse' ? 'sessions.policy_refuse' : 'sessions.policy_limit', { n }),
    )
  if (sessionDeviceCheck) rules.push(say('sessions.policy_device'))
  if (newDeviceMail && canMail(context)) rules.push(say('sessions.policy_mail'))
  return [...rules, say('sessions.policy_end')]
}

const units = [
  ['sessions.days', 86_400],
  ['sessions.hours', 3_600],
  ['common.minutes', 60],
] as const

/** The duration in the largest unit that divides it. */
function durationWords(seconds: number): Said {
  const [key, size] = units.find(([, each]) => seconds % each === 0) ?? (['common.seconds', 1] as const)
  return say(key, { n: seconds / size })
}
