/** The frame of the pages of the teaching lab. They are technical documents, in English alone. docs/decisions/0091-lab.md */
import type { Context } from '../contracts/context.ts'
import { RefusedError } from '../auth/refusal.ts'
import type { Call } from '../contracts/call.ts'
import type { Reply } from '../contracts/reply.ts'
import { adminStylePath, labStylePath } from '../html/assets.ts'
import { ownScript } from '../html/document.ts'
import { stylesheet } from '../html/page_parts.ts'
import { type Section, sectionPage, type SectionView } from '../html/section_page.ts'
import { defer, defineView, type Html } from '../html/view.ts'
import { logRefusal } from '../http/error_reply.ts'
import { described } from '../http/hints.ts'
import { page } from '../http/reply.ts'
import { written } from '../lib/unsafe_text.ts'

export const labStyles: readonly Html[] = [adminStylePath, labStylePath].map((path) =>
  defer(({ base }) => stylesheet({ path: `${base}${path}` })),
)

export interface LabView extends SectionView {
  title: string
  status?: number
  /** Paths of assets. */
  scripts?: readonly string[]
}

interface LabSection extends Section {
  title: string
  /** One sentence for the list of tools. */
  about: string
}

/** The rows of the menu: the pages of the lab that say `labMenu`. */
export const labSections = ({ table }: Context): LabSection[] =>
  table.endpoints
    .flatMap(({ path, labMenu }) => (labMenu ? [{ path, ...labMenu }] : []))
    .toSorted((a, b) => a.order - b.order)

/** A page with the menu of the lab. `current` is the path of a page of the menu. */
export const labPage = (context: Context, { status = 200, scripts = [], ...view }: LabView): Reply => ({
  ...page(
    status,
    sectionPage(
      context,
      {
        label: 'Lab',
        list: labSections(context),
        head: [...labStyles, ...scripts.map(ownScript)],
        inEnglish: true,
      },
      view,
    ),
  ),
  language: 'en',
})

/** The page that explains a pasted token, and the purpose of its form: other pages of the lab send tokens to it. */
export const tokenForm = { path: '/lab/token', purpose: 'lab_token' } as const

const refused = defineView(
  'lab_refused',
  '<p class="warning">{{text}}</p><p class="muted">Request id {{id}}</p><p><a href="{{path}}">Back</a></p>',
  ['text', 'id', 'path'],
)

/** The reply of `answer`; what it refuses, such as bad input of a form, is said on a page of the lab. `current` as in `labPage`. */
export async function orRefusedInLab(
  call: Call,
  context: Context,
  current: string,
  answer: () => Promise<Reply> | Reply,
): Promise<Reply> {
  try {
    return await answer()
  } catch (error) {
    if (!(error instanceof RefusedError) || error.status >= 500) throw error
    logRefusal(error, call, context)
    return labPage(context, {
      current,
      status: error.status,
      title: 'That did not work',
      main: refused({
        text: written(described(context, error.refusal)),
        id: call.requestId,
        path: `${context.basePath}${current}`,
      }),
    })
  }
}
