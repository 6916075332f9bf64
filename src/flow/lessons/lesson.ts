/** What a lesson is: a row of the table in lessons.ts. Its steps are recognised in recorded flows. docs/classrooms.md */
import type { Exchange, Flow } from '../../models/recording/recorded.ts'

/** What the commands of a step are filled with. */
export interface Values {
  issuer: string
  client_id: string
  client_secret: string
  /** Without a secret. */
  public_client_id: string
  device_client_id: string
  redirect_uri: string
  username: string
  password: string
}

/** A paragraph, a command for a shell, an address to open in the browser, or a page of the lab. */
export type Part = { say: string } | { command: string } | { open: string } | { page: string; title: string }

export interface Question {
  ask: string
  /** From the exchange that was recognised; undefined where it has no answer, and the step then has no question. */
  answer(exchange: Exchange, flow: Flow): string | undefined
}

export interface Step {
  /** Unique in its lesson. */
  id: string
  title: string
  todo(values: Values): readonly Part[]
  /** Whether an exchange shows that the step is done. It is one of the newest of its flow. `all` are the recorded flows. */
  done(exchange: Exchange, flow: Flow, all: () => readonly Flow[]): boolean
  question?: Question
  hints: readonly string[]
}

export interface Lesson {
  /** That of its chapter in docs/course/. */
  id: string
  title: string
  goal: string
  steps: readonly Step[]
}
