/** The frame of the pages of classrooms. Like those of the lab they are in English alone. docs/decisions/0091-lab.md */
import type { Reply } from '../../contracts/reply.ts'
import { labStyles } from '../../flow/lab_page.ts'
import { ownScript, page as document } from '../../html/document.ts'
import { defineView, type Html } from '../../html/view.ts'
import { page } from '../../http/reply.ts'

const view = defineView('classroom', '<h1>{{title}}</h1>{{main}}', ['title', 'main'])

interface ClassroomView {
  status?: number
  title: string
  main: Html
  /** A table that needs the width of the window. */
  broad?: boolean
  scripts?: readonly string[]
}

export const classroomPage = ({
  status = 200,
  title,
  main,
  broad = false,
  scripts = [],
}: ClassroomView): Reply => ({
  ...page(
    status,
    document(title, view({ title, main }), {
      ...(broad && { width: 'wide classroom' }),
      head: [...labStyles, ...scripts.map(ownScript)],
      again: false,
    }),
  ),
  language: 'en',
})
