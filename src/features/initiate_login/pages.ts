/** The pages that lead to applications: one asks first, one lists them. */
import applicationsSource from '../../../views/applications.html' with { type: 'text' }
import initiateSource from '../../../views/initiate_login.html' with { type: 'text' }
import { page } from '../../http/document.ts'
import { foreignText } from '../../http/foreign_text.ts'
import * as parts from '../../http/page_parts.ts'
import { defineView, type Html } from '../../http/view.ts'

const longestHost = 255
const unnamed = 'An application without a name'

const initiate = defineView('initiate_login', initiateSource, ['clientName', 'warning', 'host', 'url'])

/** Asks before a person is sent where nobody here has looked. `host` is where `url` leads, `describedAt` who speaks for it. */
export const initiatePage = (view: {
  clientName: string
  host: string
  describedAt: string | undefined
  url: string
}): Html => {
  const host = foreignText(view.host, longestHost)
  return page(
    'Go on to an application?',
    initiate({
      clientName: foreignText(view.clientName) || unnamed,
      warning:
        view.describedAt === undefined
          ? parts.unverifiedWarning({ host })
          : parts.describedWarning({ host: foreignText(view.describedAt, longestHost) }),
      host,
      url: view.url,
    }),
  )
}

const list = defineView('application_list', '<ul class="links">{{rows}}</ul>', ['rows'])
const row = defineView(
  'application_row',
  '<li><a href="{{path}}"><bdi>{{name}}</bdi></a><span><bdi>{{host}}</bdi></span></li>',
  ['path', 'name', 'host'],
)
const none = defineView('application_none', '<p>No application says where a sign-in to it begins.</p>', [])

const applications = defineView('applications', applicationsSource, ['username', 'applications'])

/** `path` is below ours, `host` where it leads in the end. */
export const applicationsPage = (view: {
  username: string
  applications: readonly { name: string; host: string; path: string }[]
}): Html =>
  page(
    'Applications',
    applications({
      username: foreignText(view.username),
      applications: view.applications.length
        ? list({
            rows: view.applications.map(({ name, host, path }) =>
              row({ path, name: foreignText(name) || unnamed, host: foreignText(host, longestHost) }),
            ),
          })
        : none({}),
    }),
  )
