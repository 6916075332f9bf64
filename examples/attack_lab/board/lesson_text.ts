/** The text of a lesson: one shape for all, read from its file in `lessons/`. */
import { join } from 'node:path'
import { type Addresses, rewritten } from '../addresses.ts'
import type { Lesson } from '../lessons.ts'

/** The parts of each lesson, in this order. */
export const parts = ['Story', 'Goal', 'Hints', 'Attack', 'Defence', 'Rule'] as const
type Part = (typeof parts)[number]

export type LessonText = Record<Part, string>

const folder = join(import.meta.dir, '../lessons')

/** Markdown of each part, with the addresses of this lab. */
export async function lessonText(
  { file, title }: Pick<Lesson, 'file' | 'title'>,
  at: Addresses,
): Promise<LessonText> {
  const markdown = rewritten(await Bun.file(join(folder, `${file}.md`)).text(), at)
  const [heading = '', ...rest] = markdown.split(/^## /m)
  if (heading.trim() !== `# ${title}`) throw new Error(`${file}.md: expected the heading # ${title}`)
  const found = rest.map((part) => {
    const end = part.indexOf('\n')
    return [part.slice(0, end), part.slice(end).trim()] as const
  })
  if (found.map(([name]) => name).join() !== parts.join())
    throw new Error(`${file}.md: expected the parts ${parts.join(', ')}`)
  return Object.fromEntries(found) as LessonText
}

/** The entries of a list. */
export const hintsOf = ({ Hints }: LessonText): string[] =>
  Hints.split(/^- /m)
    .map((hint) => hint.trim())
    .filter((hint) => hint !== '')
