/** The memory of a running lab: switches, the latest facts, and what each lesson came to. */
import type { Fact, Outcome } from './facts.ts'
import { type Lesson, lessons } from './lessons.ts'
import type { Weakness } from './weaknesses.ts'

/** Facts that the board shows. */
const kept = 50

export interface Progress {
  state: 'not yet' | Outcome
  /** Every outcome that there was. Both mean that the lesson is done. */
  seen: ReadonlySet<Outcome>
}

export interface Journal {
  weak(weakness: Weakness): boolean
  /** Whatever it is set to, every other switch is strong then. */
  set(weakness: Weakness, weak: boolean): void
  note(fact: Fact): void
  progress(lesson: Lesson): Progress
  facts(): readonly Fact[]
}

export function createJournal(): Journal {
  /** One at a time, so that what an attack comes to has one reason. */
  let on: Weakness | undefined
  const facts: Fact[] = []
  const progress = new Map<Lesson, { state: Outcome; seen: Set<Outcome> }>()

  function note(fact: Fact): void {
    facts.push(fact)
    if (facts.length > kept) facts.shift()
    for (const lesson of lessons) {
      const outcome = lesson.judge(fact)
      if (!outcome) continue
      const seen = progress.get(lesson)?.seen ?? new Set()
      progress.set(lesson, { state: outcome, seen: seen.add(outcome) })
    }
  }

  return {
    weak: (weakness) => on === weakness,
    set(weakness, weak) {
      on = weak ? weakness : undefined
      note({ what: 'switched', weakness, weak })
    },
    note,
    progress: (lesson) => progress.get(lesson) ?? { state: 'not yet', seen: new Set() },
    facts: () => facts,
  }
}
