/** Parts of the pages of /account: lists of entries with an action for each, and forms of one button. */
import type { Said } from '../lib/say.ts'
import { hiddenField } from './page_parts.ts'
import { defineView, type Html } from './view.ts'

/** The first page of the account, below the base path. */
export const accountPath = '/account'

export const entryList = defineView('account_entries', '<ul class="entries">\n{{entries}}\n</ul>', [
  'entries',
])

const line = defineView('account_entry_line', '<p class="muted small">{{text}}</p>', ['text'])
const mark = defineView('account_entry_badge', ' <span class="badge">{{text}}</span>', ['text'])
const item = defineView(
  'account_entry',
  '<li class="entry">{{image}}<div class="entry_text"><h2><bdi>{{title}}</bdi>{{badge}}</h2>{{lines}}{{more}}</div>{{action}}</li>',
  ['image', 'title', 'badge', 'lines', 'more', 'action'],
)

/** A line whose times are shown as "5 minutes ago". */
export const agoLine = defineView('account_ago', '<p class="muted small ago">{{text}}</p>', ['text'])

const detailBox = defineView(
  'account_details',
  '<details><summary>{{t common.details}}</summary>{{lines}}</details>',
  ['lines'],
)
/** What a glance does not need. */
export const details = (lines: readonly Said[]): Html =>
  detailBox({ lines: lines.map((text) => line({ text })) })

/** One entry of a list. `more` is shown below the lines. */
export const entry = (view: {
  title: string | Said
  image?: Html | Html[]
  badge?: Said | undefined
  lines: readonly Said[]
  more?: Html | readonly Html[] | undefined
  action?: Html | undefined
}): Html =>
  item({
    image: view.image ?? [],
    title: view.title,
    badge: view.badge ? mark({ text: view.badge }) : [],
    lines: view.lines.map((text) => line({ text })),
    more: view.more ?? [],
    action: view.action ?? [],
  })

export const paragraph = defineView('account_paragraph', '<p>{{text}}</p>', ['text'])

export const linkTo = defineView('account_link', '<p><a href="{{path}}">{{text}}</a></p>', ['path', 'text'])

const form = defineView(
  'account_button',
  '<form class="one_button" method="post" action="{{action}}">{{fields}}<button class="{{kind}}" type="submit" name="{{name}}" value="{{name}}" aria-label="{{label}}">{{icon}}<span>{{text}}</span></button></form>',
  ['action', 'fields', 'kind', 'name', 'label', 'icon', 'text'],
)

/** A form of one button. `label` begins with `text` and names the entry, since all buttons of a list have the same text. */
export const buttonForm = (view: {
  action: string
  csrf: string
  name: string
  text: Said
  label?: Said
  icon?: Html
  kind?: 'danger' | 'primary' | ''
  fields?: Readonly<Record<string, string>>
}): Html =>
  form({
    action: view.action,
    fields: Object.entries({ csrf_token: view.csrf, ...view.fields }).map(([name, value]) =>
      hiddenField({ name, value }),
    ),
    kind: view.kind ?? '',
    name: view.name,
    label: view.label ?? view.text,
    icon: view.icon ?? [],
    text: view.text,
  })
