/** The confirmation page before the redirect to a client, and the list of applications. */
import applicationsSource from '../../../views/applications.html' with { type: 'text' }
import initiateSource from '../../../views/initiate_login.html' with { type: 'text' }
import { page } from '../../html/document.ts'
import {
  clientLinks,
  clientLogo,
  clientWarning,
  longestHost,
  type ShownClient,
  shownHost,
  shownName,
} from '../../html/client_parts.ts'
import { foreignText } from '../../html/foreign_text.ts'
import * as parts from '../../html/page_parts.ts'
import { defineView, type Html } from '../../html/view.ts'
import { say, type Said } from '../../lib/say.ts'

const initiate = defineView('initiate_login', initiateSource, [
  'logo',
  'client',
  'warning',
  'host',
  'url',
  'links',
])

/** Asks before the redirect to a client that the operator did not register. `host` is that of `url`, `describedAt` the host of the client's metadata document. */
export const initiatePage = (
  view: ShownClient & {
    clientName: string | Said
    host: string
    describedAt: string | undefined
    url: string
  },
): Html => {
  return page(
    say('initiate_login.title'),
    initiate({
      logo: clientLogo(view),
      client: shownName(view.clientName),
      warning: clientWarning({ clientHost: view.host, describedAt: view.describedAt }),
      host: shownHost(view.host),
      url: view.url,
      links: clientLinks(view),
    }),
  )
}

const list = defineView('application_list', '<ul class="links">{{rows}}</ul>', ['rows'])
const row = defineView(
  'application_row',
  '<li><a href="{{path}}"><bdi>{{name}}</bdi></a><span><bdi>{{host}}</bdi></span></li>',
  ['path', 'name', 'host'],
)
const none = defineView('application_none', '<p>{{t launch.none}}</p>', [])

const applications = defineView('applications', applicationsSource, ['username', 'applications'])

/** `path` is on this provider, `host` that of the client's initiate_login_uri. */
export const applicationsPage = (view: {
  username: string
  applications: readonly { name: string; host: string; path: string }[]
}): Html =>
  page(
    say('launch.title'),
    applications({
      username: parts.name({ text: foreignText(view.username) }),
      applications: view.applications.length
        ? list({
            rows: view.applications.map(({ name, host, path }) =>
              row({ path, name: shownName(name), host: foreignText(host, longestHost) }),
            ),
          })
        : none({}),
    }),
    { signedIn: true },
  )
