/** The first page of the teaching lab: its tools. docs/lab.md */
import { defineEndpoint } from '../../contracts/endpoint.ts'
import { defineFeature } from '../../contracts/feature.ts'
import { labPage, labSections } from '../../flow/lab_page.ts'
import { defineView } from '../../html/view.ts'
import { labExists } from '../../http/lab_exists.ts'

const path = '/lab'

const about = defineView(
  'lab',
  '<p>The lab shows what this provider received, checked and answered.</p><ul class="links">{{tools}}</ul>',
  ['tools'],
)
const tool = defineView('lab_tool', '<li><a href="{{path}}">{{title}}</a><span>{{about}}</span></li>', [
  'path',
  'title',
  'about',
])

const lab = defineEndpoint({
  name: 'lab',
  path,
  advertised: false,
  page: true,
  exists: labExists,
  labMenu: { order: 0, icon: 'activity', title: 'Lab', about: 'All tools of the lab.' },
  get: (_, context) =>
    labPage(context, {
      current: path,
      title: 'Lab',
      main: about({
        tools: labSections(context)
          .filter((each) => each.path !== path)
          .map((each) =>
            tool({ path: `${context.basePath}${each.path}`, title: each.title, about: each.about }),
          ),
      }),
    }),
})

export const labFeature = defineFeature({
  name: 'lab',
  when: ({ lab: isOn }) => isOn,
  endpoints: [lab],
})
