/** The jobs of this instance: when each ran, how its last run ended, and a run now. */
import * as v from 'valibot'
import { HttpError } from '../../../auth/errors.ts'
import { keyRefreshSeconds } from '../../../config/checks.ts'
import type { Context } from '../../../contracts/context.ts'
import { noteChange } from '../../../people/author.ts'
import { authorOf } from '../actor.ts'
import { Moment, moment } from '../person.ts'
import { isOfServer } from '../existence.ts'
import { defineRoute } from '../route.ts'
import { requireServer } from './settings.ts'

const Job = v.object({
  name: v.string(),
  every: v.pipe(v.number(), v.description('Seconds')),
  runs: v.pipe(v.number(), v.description('Of this instance since it started')),
  last_began_at: v.nullable(Moment),
  is_running: v.boolean(),
  last_failed_at: v.nullable(Moment),
  last_problem: v.nullable(v.string()),
})

const jobsOf = ({ table }: Context) => [{ name: 'keys', every: keyRefreshSeconds }, ...table.jobs]

const at = (ms: number | undefined): string | null => (ms === undefined ? null : moment(ms / 1000))

export const jobRoutes = {
  list: defineRoute({
    method: 'GET',
    path: '/jobs',
    summary: 'Lists the jobs of this instance',
    exists: isOfServer,
    scope: 'admin:settings.read',
    answer: v.object({ items: v.array(Job) }),
    async run(_call, context) {
      const { jobRuns } = requireServer(context)
      const items = jobsOf(context).map(({ name, every }) => {
        const run = jobRuns.of(name)
        return {
          name,
          every,
          runs: run?.runs ?? 0,
          last_began_at: at(run?.began),
          is_running: run !== undefined && (run.ended === undefined || run.ended < run.began),
          last_failed_at: at(run?.failure?.at),
          last_problem: run?.failure?.problem ?? null,
        }
      })
      return { answer: { items } }
    },
  }),

  run: defineRoute({
    method: 'POST',
    path: '/jobs/{name}/run',
    summary: 'Runs a job of this instance now, or again when it runs already',
    exists: isOfServer,
    scope: 'admin:settings.write',
    changes: 'what the job changes at its next run by itself; runs of one job never overlap',
    async run(call, context, { params: { name }, actor }) {
      const jobs = jobsOf(context)
      if (!jobs.some((job) => job.name === name))
        throw new HttpError('not_found', {
          expected: `one of ${jobs.map((job) => job.name).join(', ')}`,
          came: name,
          problem: 'there is no job with this name',
          next: 'GET /admin/v1/jobs lists them',
        })
      await noteChange(context, authorOf(call, actor), 'job_run', { about: name })
      context.soon(name)
      return { answer: undefined }
    },
  }),
}
