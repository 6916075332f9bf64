/** The pages on which a person answers requests that clients made behind the scenes. */
import answeredSource from '../../../views/approval_answered.html' with { type: 'text' }
import requestSource from '../../../views/approval_request.html' with { type: 'text' }
import approvalsSource from '../../../views/approvals.html' with { type: 'text' }
import { page } from '../../http/document.ts'
import { foreignText } from '../../http/foreign_text.ts'
import * as parts from '../../http/page_parts.ts'
import { scopeRow, type ShownScope } from '../../http/pages.ts'
import { defineView, type Html } from '../../http/view.ts'

export interface ShownRequest {
  id: string
  csrf: string
  clientName: string
  /** It registered itself. */
  unverified: boolean
  bindingMessage: string | undefined
  /** Until its time is over. */
  minutes: number
  scopes: readonly ShownScope[]
  details: readonly Html[]
}

const request = defineView('approval_request', requestSource, [
  'clientName',
  'message',
  'warning',
  'scopes',
  'details',
  'minutes',
  'action',
  'csrf',
  'id',
])
const message = defineView(
  'approval_message',
  '<p class="notice">Its message: <strong><bdi>{{text}}</bdi></strong>. The same must be shown where you started this.</p>',
  ['text'],
)
const none = defineView(
  'approval_none',
  '<p>Nothing waits for your answer. This page looks again every ten seconds.</p>',
  [],
)
/** Only while there is nothing to read: a page must not change under the eyes, or the finger, of a person. */
const refresh = defineView('refresh', '<meta http-equiv="refresh" content="10" />', [])

const approvals = defineView('approvals', approvalsSource, ['username', 'alert', 'requests'])

const requestBlock = (action: string, shown: ShownRequest): Html =>
  request({
    clientName: foreignText(shown.clientName) || 'An application without a name',
    message: shown.bindingMessage === undefined ? [] : message({ text: shown.bindingMessage }),
    warning: shown.unverified ? parts.unverifiedDevice({}) : [],
    scopes: shown.scopes.map(scopeRow),
    details: shown.details,
    minutes: shown.minutes === 1 ? 'one more minute' : `${shown.minutes} more minutes`,
    action,
    csrf: shown.csrf,
    id: shown.id,
  })

export const approvalsPage = (view: {
  action: string
  username: string
  requests: readonly ShownRequest[]
  error?: string
}): Html =>
  page(
    view.error ? 'Error: approvals' : 'Approvals',
    approvals({
      username: foreignText(view.username),
      alert: view.error ? parts.alert({ message: view.error }) : [],
      requests: view.requests.length
        ? view.requests.map((each) => requestBlock(view.action, each))
        : none({}),
    }),
    view.requests.length || view.error ? {} : { head: [refresh({})] },
  )

const answered = defineView('approval_answered', answeredSource, ['title', 'message', 'action'])

export const answeredPage = ({ allowed, action }: { allowed: boolean; action: string }): Html =>
  page(
    allowed ? 'Approved' : 'Denied',
    answered({
      action,
      title: allowed ? 'You approved the request' : 'You denied the request',
      message: allowed
        ? 'The application goes on by itself. You can close this page.'
        : 'Nothing was shared. You can close this page.',
    }),
  )
