/** Pages of the sign-in with a provider. */
import connectSource from '../../../views/upstream_connect.html' with { type: 'text' }
import failedSource from '../../../views/upstream_failed.html' with { type: 'text' }
import firstSource from '../../../views/upstream_first.html' with { type: 'text' }
import { icon } from '../../html/page_parts.ts'
import { page } from '../../html/document.ts'
import { foreignText } from '../../html/foreign_text.ts'
import { defineView, type Html } from '../../html/view.ts'
import { type Said, say } from '../../lib/say.ts'
import type { ProviderRow } from './row.ts'

export const providerButtons = defineView('upstream_buttons', '<div class="upstream">{{buttons}}</div>', [
  'buttons',
])

/** The mark of a provider on its button: of the brand, else a building. */
export const markOf = ({ row }: { row: ProviderRow }): Html => icon(row.icon ?? 'building-2')

const failed = defineView('upstream_failed', failedSource, ['message', 'path', 'label'])

/** The reason of a failure, and a link to the other sign-in methods. */
export const failedPage = (view: { message: Said; back: { path: string; label: Said } }): Html =>
  page(say('upstream.not_in_title'), failed({ message: view.message, ...view.back }))

const first = defineView('upstream_first', firstSource, ['lead', 'path'])

/** No account is connected with the identity: offers to sign in first. `path` is the sign-in page. */
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

/** Asks whether to connect the account with the identity: buttons `connect` and `skip`. */
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
