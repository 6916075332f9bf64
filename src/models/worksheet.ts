/** What was done of the lessons of a lab: one record of each provider, written by what its recorder recognises. docs/classrooms.md */
import * as v from 'valibot'
import { defineRecord } from './define_record.ts'

const Done = v.object({
  /** Milliseconds by the clock of the machine: students move that of their lab. */
  at: v.number(),
  flow: v.string(),
  /** The id of the request. */
  request: v.string(),
  /** The answer of the question of the step. */
  answer: v.optional(v.string()),
})

const Answered = v.object({
  tries: v.number(),
  right_at: v.optional(v.number()),
})

const Progress = v.object({
  begun_at: v.number(),
  done: v.record(v.string(), Done),
  answers: v.record(v.string(), Answered),
})

const Trouble = v.object({
  /** Of the first of these refusals without a success in between, and of the last. */
  since: v.number(),
  at: v.number(),
  times: v.number(),
  endpoint: v.string(),
  code: v.string(),
  problem: v.string(),
  flow: v.string(),
  request: v.string(),
})

const Schema = v.object({
  lessons: v.record(v.string(), Progress),
  /** The last request of a flow. */
  last_at: v.optional(v.number()),
  trouble: v.optional(Trouble),
})

export type Done = v.InferOutput<typeof Done>
export type Progress = v.InferOutput<typeof Progress>
export type Trouble = v.InferOutput<typeof Trouble>
export type WorksheetRecord = v.InferOutput<typeof Schema>

export const Worksheet = defineRecord('worksheet', Schema)

/** A provider has one. */
export const worksheetId = 'own'
