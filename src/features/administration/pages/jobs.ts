/** /admin/jobs: what this instance does by itself, and when it last did. */
import type * as v from 'valibot'
import { buttonForm } from '../../../html/account_parts.ts'
import { dataTable } from '../../../html/data_table.ts'
import { foreignText } from '../../../html/foreign_text.ts'
import { say } from '../../../lib/say.ts'
import { isOfServer } from '../existence.ts'
import { jobRoutes } from '../routes/jobs.ts'
import { defineAdminPage } from './page.ts'
import { ago, code, lead, state } from './parts.ts'

export const jobsPath = '/admin/jobs'

type Job = v.InferOutput<NonNullable<typeof jobRoutes.list.answer>>['items'][number]

/** The last run failed, or a later one did not. */
const hasFailed = ({ last_failed_at: failed, last_began_at: began }: Job): boolean =>
  failed !== null && began !== null && failed >= began

export const jobsPage = defineAdminPage({
  path: jobsPath,
  section: '/admin/settings',
  exists: isOfServer,
  scope: 'admin:settings.read',
  async show({ action, csrf, may, ask }) {
    const { answer } = await ask(jobRoutes.list)
    return {
      title: say('admin.jobs'),
      main: [
        lead({ text: say('admin.jobs_lead') }),
        dataTable<Job>({
          label: say('admin.jobs'),
          path: action,
          query: {},
          rows: answer.items,
          empty: say('admin.jobs_none'),
          columns: [
            { title: say('admin.job'), cell: ({ name }) => code(name) },
            {
              title: say('admin.state'),
              cell: (job) =>
                hasFailed(job)
                  ? state('bad', say('admin.job_failed'))
                  : job.last_began_at === null
                    ? state('doubtful', say('admin.job_waits'))
                    : state('good', say('admin.job_ok')),
            },
            {
              title: say('admin.job_every'),
              number: true,
              cell: ({ every: n }) => say('common.seconds', { n }),
            },
            { title: say('admin.job_last'), cell: ({ last_began_at }) => ago(last_began_at) },
            {
              title: say('admin.job_failure'),
              cell: ({ last_failed_at: at }) => (at === null ? '' : ago(at)),
            },
            { title: say('admin.details'), cell: ({ last_problem }) => foreignText(last_problem ?? '', 300) },
            ...(may('admin:settings.write')
              ? [
                  {
                    title: say('admin.actions'),
                    cell: ({ name }: Job) =>
                      buttonForm({
                        action,
                        csrf,
                        name: 'run',
                        text: say('admin.job_run'),
                        fields: { job: name },
                      }),
                  },
                ]
              : []),
          ],
        }),
      ],
    }
  },
  actions: {
    run: {
      done: say('admin.job_started'),
      run: async ({ fields, ask }) => void (await ask(jobRoutes.run, { params: { name: fields.job ?? '' } })),
    },
  },
})
