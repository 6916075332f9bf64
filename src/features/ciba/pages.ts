/** The pages on which an End-User answers backchannel authentication requests. */
import answeredSource from '../../../views/approval_answered.html' with { type: 'text' }
import requestSource from '../../../views/approval_request.html' with { type: 'text' }
import approvalsSource from '../../../views/approvals.html' with { type: 'text' }
import { approvalsPath } from '../../html/assets.ts'
import { ownScript, page } from '../../html/document.ts'
import { shownName } from '../../html/client_parts.ts'
import { foreignText } from '../../html/foreign_text.ts'
import * as parts from '../../html/page_parts.ts'
import { scopeRow, type ShownScope } from '../../html/pages.ts'
import { defineView, type Html } from '../../html/view.ts'
import { say, type Said } from '../../lib/say.ts'

export interface ShownRequest {
  id: string
  csrf: string
  clientName: string | Said
  /** The client registered itself. */
  unverified: boolean
  bindingMessage: string | undefined
  /** Until the request expires. */
  minutes: number
  scopes: readonly ShownScope[]
  details: readonly Html[]
}

const request = defineView('approval_request', requestSource, [
  'client',
  'message',
  'warning',
  'scopes',
  'details',
  'n',
  'action',
  'csrf',
  'id',
])
const message = defineView('approval_message', '<p class="notice">{{t approvals.message}}</p>', ['message'])
const none = defineView('approval_none', '<p>{{t approvals.none}}</p>', [])
/** Reloads the page only while it lists no request: a list must not change just before a click. */
const autoRefresh = () => [parts.refresh({ content: '10' }), ownScript(approvalsPath)]

const approvals = defineView('approvals', approvalsSource, ['username', 'notYou', 'alert', 'requests'])

const requestBlock = (action: string, shown: ShownRequest): Html =>
  request({
    client: shownName(shown.clientName),
    message:
      shown.bindingMessage === undefined
        ? []
        : message({ message: parts.name({ text: shown.bindingMessage }) }),
    warning: shown.unverified ? parts.unverifiedDevice({}) : [],
    scopes: shown.scopes.map(scopeRow),
    details: shown.details,
    n: shown.minutes,
    action,
    csrf: shown.csrf,
    id: shown.id,
  })

export const approvalsPage = (view: {
  action: string
  username: string
  /** The path of the sign-in with another account. */
  other: string
  requests: readonly ShownRequest[]
  error?: Said
}): Html =>
  page(
    say(view.error ? 'approvals.title_error' : 'approvals.title'),
    approvals({
      username: parts.name({ text: foreignText(view.username) }),
      notYou: parts.notYou({ path: view.other }),
      alert: view.error ? parts.alert({ message: view.error }) : [],
      requests: view.requests.length
        ? view.requests.map((each) => requestBlock(view.action, each))
        : none({}),
    }),
    { signedIn: true, ...(view.requests.length || view.error ? {} : { head: autoRefresh() }) },
  )

const answered = defineView('approval_answered', answeredSource, ['title', 'message', 'action'])

export const answeredPage = ({ allowed, action }: { allowed: boolean; action: string }): Html =>
  page(
    say(allowed ? 'approvals.approved_title' : 'approvals.denied_title'),
    answered({
      action,
      title: say(allowed ? 'approvals.approved' : 'approvals.denied'),
      message: say(allowed ? 'approvals.approved_text' : 'approvals.denied_text'),
    }),
    { signedIn: true },
  )
