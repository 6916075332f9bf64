/** The pages on which a person connects a device. https://www.rfc-editor.org/rfc/rfc8628#section-3.3 */
import codeSource from '../../../views/device_code.html' with { type: 'text' }
import confirmSource from '../../../views/device_confirm.html' with { type: 'text' }
import doneSource from '../../../views/device_done.html' with { type: 'text' }
import { page } from '../../http/document.ts'
import { foreignText } from '../../http/foreign_text.ts'
import * as parts from '../../http/page_parts.ts'
import { scopeRow, type ShownScope } from '../../http/pages.ts'
import { defineView, type Html } from '../../http/view.ts'

const code = defineView('device_code', codeSource, [
  'action',
  'alert',
  'csrf',
  'userCode',
  'invalid',
  'describedBy',
])

export const codePage = (view: { action: string; csrf: string; userCode: string; error?: string }): Html =>
  page(
    view.error ? 'Error: connect a device' : 'Connect a device',
    code({
      action: view.action,
      csrf: view.csrf,
      userCode: foreignText(view.userCode, 40),
      alert: view.error ? parts.alert({ message: view.error }) : [],
      invalid: view.error ? 'true' : 'false',
      describedBy: view.error ? 'alert' : '',
    }),
  )

const confirm = defineView('device_confirm', confirmSource, [
  'clientName',
  'username',
  'userCode',
  'warning',
  'scopes',
  'details',
  'action',
  'csrf',
])

export const confirmPage = (view: {
  action: string
  csrf: string
  userCode: string
  clientName: string
  unverified: boolean
  username: string
  scopes: readonly ShownScope[]
  details: readonly Html[]
}): Html =>
  page(
    'Connect this device?',
    confirm({
      action: view.action,
      csrf: view.csrf,
      userCode: view.userCode,
      clientName: foreignText(view.clientName) || 'An application without a name',
      username: foreignText(view.username),
      warning: view.unverified ? parts.unverifiedDevice({}) : [],
      scopes: view.scopes.length ? parts.scopeList({ scopes: view.scopes.map(scopeRow) }) : [],
      details: view.details,
    }),
  )

const done = defineView('device_done', doneSource, ['title', 'message'])

export const donePage = (allowed: boolean): Html =>
  allowed
    ? page(
        'Device connected',
        done({ title: 'Your device is connected', message: 'You can close this page and go on there.' }),
      )
    : page(
        'Not connected',
        done({
          title: 'Your device was not connected',
          message: 'Nothing was shared. You can close this page.',
        }),
      )
