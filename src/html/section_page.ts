/** The frame of pages with a menu of sections beside them: those of /account and of /admin. */
import accountSource from '../../views/account.html' with { type: 'text' }
import menuSource from '../../views/account_menu.html' with { type: 'text' }
import type { Said } from '../lib/say.ts'
import { page } from './document.ts'
import type { IconName } from './icon.ts'
import { alert, done, icon } from './page_parts.ts'
import { defineView, type Html } from './view.ts'

const frame = defineView('account', accountSource, ['title', 'notice', 'main'])
const menu = defineView('account_menu', menuSource, ['label', 'menu', 'end'])
const signOut = defineView(
  'account_menu_sign_out',
  '<li class="menu_end"><a href="{{path}}">{{icon log-out}}<span>{{t account.sign_out}}</span></a></li>',
  ['path'],
)
const item = defineView(
  'account_menu_item',
  '<li><a href="{{path}}" aria-current="{{current}}">{{icon}}<span>{{title}}</span></a></li>',
  ['path', 'current', 'icon', 'title'],
)

export interface Section {
  /** Below the base path, or a URL. */
  path: string
  icon: IconName
  title: Said | string
}

export interface SectionView {
  /** The path of the section that is open. */
  current: string
  title: Said | string
  /** The heading of the page, where it names what the title must not keep in the history of the browser. */
  heading?: Said | string | undefined
  main: Html | readonly Html[]
  /** A notice of success. */
  done?: Said | undefined
  /** A notice of failure. */
  problem?: Said | undefined
}

interface Sections {
  label: Said | string
  list: readonly Section[]
  head?: readonly Html[]
  /** As the path of a section. */
  signOut?: string
  /** Pages that exist in English alone, such as those of the lab, which also need no sign-in. */
  inEnglish?: boolean
}

export function sectionPage(
  { basePath }: { basePath: string },
  { label, list, head = [], signOut: end = '/logout', inEnglish = false }: Sections,
  view: SectionView,
): Html {
  const within = (path: string): string => (path.startsWith('/') ? `${basePath}${path}` : path)
  const nav = menu({
    label,
    menu: list.map(({ path, icon: mark, title }) =>
      item({
        path: within(path),
        icon: icon(mark),
        title,
        current: path === view.current ? 'page' : 'false',
      }),
    ),
    end: inEnglish ? [] : signOut({ path: within(end) }),
  })
  const main = frame({
    title: view.heading ?? view.title,
    notice: [
      ...(view.problem ? [alert({ message: view.problem })] : []),
      ...(view.done ? [done({ text: view.done })] : []),
    ],
    main: view.main,
  })
  return page(view.title, main, { width: 'wide broad', nav: [nav], head, again: !inEnglish })
}
