/** The views of /admin: a theme may replace each and is read at the start, before a page is loaded. Those that pages share are in the modules named first. */
import '../../../html/chart.ts'
import '../../../html/data_table.ts'
import './parts.ts'
import { defineView } from '../../../html/view.ts'

export const chartsView = defineView(
  'admin_charts',
  '<div class="charts" data-part="charts">{{charts}}</div>',
  ['charts'],
)

export const liveView = defineView('admin_live', '<div data-stream="{{path}}"></div>', ['path'])

export const kitFileView = defineView(
  'admin_kit_file',
  '<section><h2><code dir="ltr">{{path}}</code></h2><pre dir="ltr">{{text}}</pre></section>',
  ['path', 'text'],
)

/** The button is added by views/admin.js, where there is a clipboard. */
export const copiedFileView = defineView(
  'admin_copied_file',
  '<div class="copied_file"><p><code dir="ltr">{{path}}</code></p><pre dir="ltr">{{text}}</pre><template><button type="button">{{copy}}</button><span role="status" data-copied="{{t second_factor.recovery_copied}}"></span></template></div>',
  ['path', 'text', 'copy'],
)

export const libraryView = defineView(
  'admin_library',
  '<details class="library" {{open}}><summary>{{title}}</summary>{{files}}{{kit}}</details>',
  ['open', 'title', 'files', 'kit'],
)

export const chosenView = defineView(
  'admin_chosen',
  '<form id="{{id}}" method="post" action="{{action}}">{{hidden}}<button class="danger" type="submit" name="end" value="end">{{text}}</button></form>',
  ['id', 'action', 'hidden', 'text'],
)

export const boxView = defineView(
  'admin_box',
  '<label class="check"><input type="checkbox" name="{{name}}" value="yes" form="{{form}}" aria-label="{{label}}"></label>',
  ['name', 'form', 'label'],
)

export const wholeTextView = defineView('admin_whole', '<span class="whole">{{text}}</span>', ['text'])

export const flaggedView = defineView('admin_flagged', '{{text}} {{flag}}', ['text', 'flag'])

export const claimFieldView = defineView('admin_claim', '<div>{{field}}</div>', ['field'])
