/** The frame of every page of /account: a menu with the sections of features, and a notice. */
import type { Context } from '../contracts/context.ts'
import { say } from '../lib/say.ts'
import { accountPath } from '../html/account_parts.ts'
import { sectionPage, type SectionView } from '../html/section_page.ts'
import type { Html } from '../html/view.ts'

export const accountPage = (context: Context, view: SectionView): Html =>
  sectionPage(
    context,
    {
      label: say('account.menu'),
      list: [
        { path: accountPath, icon: 'house', title: say('account.overview') },
        ...context.table.accountSections.map(({ path, icon, title }) => ({ path, icon, title: say(title) })),
      ],
    },
    view,
  )
