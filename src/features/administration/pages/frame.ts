/** The frame of every page of /admin: the sections that the role of the administrator may read. */
import { type AdminScope } from '../../../auth/admin_roles.ts'
import type { Call } from '../../../contracts/call.ts'
import type { Context } from '../../../contracts/context.ts'
import { adminScriptPath, adminStylePath } from '../../../html/assets.ts'
import { ownScript } from '../../../html/document.ts'
import { stylesheet } from '../../../html/page_parts.ts'
import { type Section, sectionPage, type SectionView } from '../../../html/section_page.ts'
import { defer, type Html } from '../../../html/view.ts'
import { type Said, say } from '../../../lib/say.ts'
import type { Actor } from '../actor.ts'
import { atIssuer, signOutPath } from './way_to_issuer.ts'

/** The first page of the administration, below the base path. */
export const adminPath = '/admin'

const sections = [
  { path: adminPath, icon: 'activity', title: say('admin.overview'), scope: undefined },
  { path: '/admin/people', icon: 'users-round', title: say('admin.people'), scope: 'admin:people.read' },
  { path: '/admin/clients', icon: 'app-window', title: say('admin.clients'), scope: 'admin:clients.read' },
  {
    path: '/admin/sessions',
    icon: 'monitor-smartphone',
    title: say('admin.sessions'),
    scope: 'admin:sessions.read',
  },
  { path: '/admin/keys', icon: 'key-round', title: say('admin.keys'), scope: 'admin:keys.read' },
  { path: '/admin/mail', icon: 'mail', title: say('admin.mail'), scope: 'admin:mail.read' },
  {
    path: '/admin/settings',
    icon: 'sliders-horizontal',
    title: say('admin.settings'),
    scope: 'admin:settings.read',
  },
  { path: '/admin/audit', icon: 'scroll-text', title: say('admin.audit'), scope: 'admin:audit.read' },
] as const satisfies readonly (Section & { scope: AdminScope | undefined })[]

export type SectionPath = (typeof sections)[number]['path']

const head: readonly Html[] = [
  defer(({ base }) => stylesheet({ path: `${base}${adminStylePath}` })),
  ownScript(adminScriptPath),
]

/** The pages of a realm look like those of the server, and name the realm. */
const titled = ({ realm }: Context, title: Said | string): Said | string =>
  realm === undefined ? title : say('admin.in_realm', { title, realm: realm.name })

/** With the sections that the administrator may read, and the way back to the account. */
export const adminFrame = (
  call: Call,
  context: Context,
  { scopes }: Actor,
  view: SectionView & { current: SectionPath },
): Html =>
  sectionPage(
    context,
    {
      label: say('admin.menu'),
      list: [
        ...sections.filter(({ scope }) => scope === undefined || scopes.has(scope)),
        { path: atIssuer(call, context, '/account'), icon: 'user-round', title: say('admin.own_account') },
      ],
      head,
      signOut: signOutPath(call),
    },
    {
      ...view,
      title: titled(context, view.title),
      ...(view.heading !== undefined && { heading: titled(context, view.heading) }),
    },
  )
