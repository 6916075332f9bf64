/** Parts that the pages of /admin share. */
import type { IconName } from '../../../html/icon.ts'
import { codeText, icon } from '../../../html/page_parts.ts'
import { defineView, type Html, type ViewValue } from '../../../html/view.ts'
import { type Said, say } from '../../../lib/say.ts'

export const lead = defineView('admin_lead', '<p class="muted">{{text}}</p>', ['text'])

export const link = defineView('admin_link', '<a href="{{path}}">{{text}}</a>', ['path', 'text'])

export const onwardLink = defineView('admin_onward', '<p><a href="{{path}}">{{text}}</a></p>', [
  'path',
  'text',
])

/** A moment of the API (UTC), which the script of the page shows in the zone of the reader. */
export const when = (at: string | null): Said =>
  at === null ? say('admin.never') : say('admin.at', { at: new Date(at) })

/** "5 minutes ago", with the time itself as its title. */
const agoText = defineView('admin_ago', '<span class="ago">{{text}}</span>', ['text'])
export const ago = (at: string | null): Html | Said =>
  at === null ? say('admin.never') : agoText({ text: when(at) })

const stateView = defineView('admin_state', '<span class="state {{kind}}">{{icon}}{{text}}</span>', [
  'kind',
  'icon',
  'text',
])
const signs = { good: 'circle-check', doubtful: 'clock', bad: 'octagon-x' } as const satisfies Record<
  string,
  IconName
>
/** A state in one word, with a sign, so that it does not rest on a colour. */
export const state = (kind: keyof typeof signs, text: Said): Html =>
  stateView({ kind, icon: icon(signs[kind]), text })

const factList = defineView('admin_facts', '<dl class="facts">{{facts}}</dl>', ['facts'])
const fact = defineView('admin_fact', '<div><dt>{{name}}</dt><dd><bdi>{{value}}</bdi></dd></div>', [
  'name',
  'value',
])
export const facts = (rows: readonly (readonly [name: Said, value: ViewValue])[]): Html =>
  factList({ facts: rows.map(([name, value]) => fact({ name, value })) })

export const code = (text: string): Html => codeText({ text })

const sectionView = defineView('admin_section', '<section><h2>{{title}}</h2>{{main}}</section>', [
  'title',
  'main',
])
export const section = (title: Said, main: readonly Html[]): Html => sectionView({ title, main })

const tile = defineView(
  'admin_tile',
  '<li class="{{kind}}"><p>{{label}}</p><p class="figure">{{figure}}</p></li>',
  ['kind', 'label', 'figure'],
)
const tileList = defineView('admin_tiles', '<ul class="tiles" data-part="tiles">{{tiles}}</ul>', ['tiles'])
/** A number each; `isBad` marks one that an administrator should look at. */
export const tiles = (
  list: readonly { label: Said; figure: string | Said | Html; isBad?: boolean }[],
): Html =>
  tileList({
    tiles: list.map(({ label, figure, isBad = false }) => tile({ kind: isBad ? 'bad' : '', label, figure })),
  })
