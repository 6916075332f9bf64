/** The pages round signing in with a provider. */
import connectSource from '../../../views/upstream_connect.html' with { type: 'text' }
import failedSource from '../../../views/upstream_failed.html' with { type: 'text' }
import firstSource from '../../../views/upstream_first.html' with { type: 'text' }
import { page } from '../../html/document.ts'
import { foreignText } from '../../html/foreign_text.ts'
import { defineView, type Html } from '../../html/view.ts'
import { type Said, say } from '../../lib/say.ts'

/** One button below the other. */
export const providerButtons = defineView('upstream_buttons', '<div class="upstream">{{buttons}}</div>', [
  'buttons',
])

const failed = defineView('upstream_failed', failedSource, ['message', 'path', 'label'])

/** It did not work: why, and the way to the others. */
export const failedPage = (view: { message: Said; back: { path: string; label: Said } }): Html =>
  page(say('upstream.not_in_title'), failed({ message: view.message, ...view.back }))

const first = defineView('upstream_first', firstSource, ['lead', 'path'])

/** Nobody here is connected with who came: they may sign in first. `path` leads to the sign-in page. */
export const signInFirstPage = (view: { lead: Said; path: string }): Html =>
  page(say('upstream.first_title'), first(view))

const connect = defineView('upstream_connect', connectSource, [
  'provider',
  'identity',
  'username',
  'action',
  'csrf',
  'interaction',
])

/** Whether the two are one person: buttons `connect` and `skip`. */
export const connectPage = (view: {
  provider: string
  identity: string
  username: string
  action: string
  csrf: string
  interaction: string
}): Html =>
  page(
    say('upstream.connect_title'),
    connect({ ...view, identity: foreignText(view.identity), username: foreignText(view.username) }),
  )
