/** The frame of every page of /account: a menu with the sections of features, and a notice. */
import accountSource from '../../views/account.html' with { type: 'text' }
import type { Context } from '../contracts/context.ts'
import { type Said, say } from '../lib/say.ts'
import { page } from '../html/document.ts'
import { alert, done } from '../html/page_parts.ts'
import { defineView, type Html } from '../html/view.ts'
import { accountPath } from '../html/account_parts.ts'

const frame = defineView('account', accountSource, ['menu', 'signOut', 'title', 'notice', 'main'])
const item = defineView(
  'account_menu_item',
  '<li><a href="{{path}}" aria-current="{{current}}">{{title}}</a></li>',
  ['path', 'current', 'title'],
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
    { path: accountPath, title: say('account.overview') },
    ...context.table.accountSections.map(({ path, title }) => ({ path, title: say(title) })),
  ]
  return page(
    view.title,
    frame({
      menu: sections.map(({ path, title }) =>
        item({
          path: `${context.basePath}${path}`,
          title,
          current: path === view.current ? 'page' : 'false',
        }),
      ),
      signOut: `${context.basePath}/logout`,
      title: view.title,
      notice: [
        ...(view.problem ? [alert({ message: view.problem })] : []),
        ...(view.done ? [done({ text: view.done })] : []),
      ],
      main: view.main,
    }),
    { width: 'wide broad' },
  )
}
