/** The pages on which an End-User connects a device. https://www.rfc-editor.org/rfc/rfc8628#section-3.3 */
import codeSource from '../../../views/device_code.html' with { type: 'text' }
import confirmSource from '../../../views/device_confirm.html' with { type: 'text' }
import doneSource from '../../../views/device_done.html' with { type: 'text' }
import { page } from '../../html/document.ts'
import { clientLinks, clientLogo, type ShownClient, shownName } from '../../html/client_parts.ts'
import { foreignText } from '../../html/foreign_text.ts'
import * as parts from '../../html/page_parts.ts'
import { scopeRow, type ShownScope } from '../../html/pages.ts'
import { defineView, type Html } from '../../html/view.ts'
import { say, type Said } from '../../lib/say.ts'

const code = defineView('device_code', codeSource, [
  'action',
  'alert',
  'csrf',
  'userCode',
  'username',
  'notYou',
  'invalid',
  'describedBy',
])

/** `other` is the path of the sign-in with another account. */
export const codePage = (view: {
  action: string
  csrf: string
  userCode: string
  username: string
  other: string
  error?: Said
}): Html =>
  page(
    say(view.error ? 'device.title_error' : 'device.title'),
    code({
      action: view.action,
      csrf: view.csrf,
      userCode: foreignText(view.userCode, 40),
      username: parts.name({ text: foreignText(view.username) }),
      notYou: parts.notYou({ path: view.other }),
      alert: view.error ? parts.alert({ message: view.error }) : [],
      invalid: view.error ? 'true' : 'false',
      describedBy: view.error ? 'alert' : '',
    }),
    { signedIn: true },
  )

const confirm = defineView('device_confirm', confirmSource, [
  'logo',
  'client',
  'username',
  'notYou',
  'code',
  'userCode',
  'warning',
  'scopes',
  'details',
  'action',
  'csrf',
  'links',
])

export const confirmPage = (
  view: ShownClient & {
    action: string
    csrf: string
    userCode: string
    clientName: string | Said
    unverified: boolean
    username: string
    other: string
    scopes: readonly ShownScope[]
    details: readonly Html[]
  },
): Html =>
  page(
    say('device.confirm'),
    confirm({
      action: view.action,
      csrf: view.csrf,
      userCode: view.userCode,
      logo: clientLogo(view),
      client: shownName(view.clientName),
      username: parts.name({ text: foreignText(view.username) }),
      notYou: parts.notYou({ path: view.other }),
      code: parts.strongCode({ text: view.userCode }),
      warning: view.unverified ? parts.unverifiedDevice({}) : [],
      scopes: view.scopes.length ? parts.scopeList({ scopes: view.scopes.map(scopeRow) }) : [],
      details: view.details,
      links: clientLinks(view),
    }),
    { signedIn: true },
  )

const done = defineView('device_done', doneSource, ['title', 'message'])

export const donePage = (allowed: boolean): Html =>
  allowed
    ? page(
        say('device.connected_title'),
        done({ title: say('device.connected'), message: say('device.connected_text') }),
        { signedIn: true },
      )
    : page(
        say('device.denied_title'),
        done({ title: say('device.denied'), message: say('device.denied_text') }),
        { signedIn: true },
      )
