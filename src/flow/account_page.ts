/** The frame of every page of /account: a menu with the sections of features, and a notice. */
import accountSource from '../../views/account.html' with { type: 'text' }
import menuSource from '../../views/account_menu.html' with { type: 'text' }
import type { Context } from '../contracts/context.ts'
import { type Said, say } from '../lib/say.ts'
import { page } from '../html/document.ts'
import { alert, done, icon } from '../html/page_parts.ts'
import { defineView, type Html } from '../html/view.ts'
import { accountPath } from '../html/account_parts.ts'

const frame = defineView('account', accountSource, ['title', 'notice', 'main'])
const menu = defineView('account_menu', menuSource, ['menu', 'signOut'])
const item = defineView(
  'account_menu_item',
  '<li><a href="{{path}}" aria-current="{{current}}">{{icon}}<span>{{title}}</span></a></li>',
  ['path', 'current', 'icon', 'title'],
)

/** `current` is the path of the section, `done` a notice of success, `problem` one of failure. */
export function accountPage(
  context: Context,
  view: {
    current: string
    title: Said
    main: Html | readonly Html[]
    done?: Said | undefined
    problem?: Said | undefined
  },
): Html {
  const sections = [
    { path: accountPath, icon: 'house' as const, title: say('account.overview') },
    ...context.table.accountSections.map(({ path, icon: mark, title }) => ({
      path,
      icon: mark,
      title: say(title),
    })),
  ]
  const nav = menu({
    menu: sections.map(({ path, icon: mark, title }) =>
      item({
        path: `${context.basePath}${path}`,
        icon: icon(mark),
        title,
        current: path === view.current ? 'page' : 'false',
      }),
    ),
    signOut: `${context.basePath}/logout`,
  })
  const main = frame({
    title: view.title,
    notice: [
      ...(view.problem ? [alert({ message: view.problem })] : []),
      ...(view.done ? [done({ text: view.done })] : []),
    ],
    main: view.main,
  })
  return page(view.title, main, { width: 'wide broad', nav: [nav] })
}
