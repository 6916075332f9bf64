/** /admin: whether all is well, at one look. */
import { dataTable } from '../../../html/data_table.ts'
import { defineView } from '../../../html/view.ts'
import { say } from '../../../lib/say.ts'
import { healthRoutes } from '../routes/health.ts'
import { adminPath } from './frame.ts'
import { livePath } from './live.ts'
import { defineAdminPage } from './page.ts'
import { code, lead, section, state, tiles } from './parts.ts'

const live = defineView('admin_live', '<div data-stream="{{path}}"></div>', ['path'])

/** What a check found beyond its name, on one line. */
const detailsOf = (details: Readonly<Record<string, unknown>>): string =>
  Object.entries(details)
    .filter(([, value]) => typeof value !== 'object' || value === null)
    .map(([name, value]) => `${name} ${String(value)}`)
    .join(', ')

export const overviewPage = defineAdminPage({
  path: adminPath,
  section: adminPath,
  scope: undefined,
  async show({ context, action, may, ask }) {
    if (!may('admin:statistics.read'))
      return { title: say('admin.overview'), main: [lead({ text: say('admin.overview_limited') })] }
    const { answer } = await ask(healthRoutes.show)
    const broken = answer.checks.filter(({ ok }) => !ok)
    return {
      title: say('admin.overview'),
      main: [
        live({ path: `${context.basePath}${livePath}` }),
        tiles([
          {
            label: say('admin.health'),
            figure:
              broken.length === 0 ? say('admin.health_good') : say('admin.health_bad', { n: broken.length }),
            isBad: broken.length > 0,
          },
          { label: say('admin.version'), figure: answer.version },
        ]),
        section(say('admin.checks'), [
          dataTable({
            label: say('admin.checks'),
            path: action,
            query: {},
            rows: answer.checks,
            empty: say('admin.checks_none'),
            columns: [
              { title: say('admin.check'), cell: ({ name }) => code(name) },
              {
                title: say('admin.state'),
                cell: ({ ok, trouble, essential }) =>
                  ok
                    ? state('good', say('admin.check_ok'))
                    : state(
                        essential ? 'bad' : 'doubtful',
                        say('admin.check_trouble', { trouble: trouble ?? '' }),
                      ),
              },
              { title: say('admin.details'), cell: ({ details }) => detailsOf(details) },
            ],
          }),
        ]),
      ],
    }
  },
})
