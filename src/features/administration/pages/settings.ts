/** /admin/settings: the settings in force, without secrets, and the levels of the log. */
import type * as v from 'valibot'
import { dataTable, filters } from '../../../html/data_table.ts'
import { foreignText } from '../../../html/foreign_text.ts'
import { say } from '../../../lib/say.ts'
import { isOfServer, realmsExist } from '../existence.ts'
import { changeableLevels, settingRoutes } from '../routes/settings.ts'
import { jobsPath } from './jobs.ts'
import { defineAdminPage, type PageInput } from './page.ts'
import {
  actionForm,
  actions,
  buttonLink,
  code,
  lead,
  linesField,
  linesOf,
  section,
  selectField,
  warning,
} from './parts.ts'
import { realmsPath } from './realms.ts'
import { scopesPath } from './scopes.ts'
import { upstreamsPath } from './upstreams.ts'
import { buttonForm } from '../../../html/account_parts.ts'

const path = '/admin/settings'

type Setting = v.InferOutput<NonNullable<typeof settingRoutes.list.answer>>['items'][number]

async function logPart({ ask, may, action, csrf }: PageInput<typeof path>) {
  const { answer } = await ask(settingRoutes.logLevels)
  const { level, levels, is_configured: isConfigured } = answer
  const names = Object.entries(levels).map(([name, each]) => `${name}=${each}`)
  return section(say('admin.log'), [
    lead({ text: say('admin.log_now', { levels: [level, ...names].join(', ') }) }),
    ...(isConfigured ? [] : [warning({ text: say('admin.log_changed') })]),
    ...(may('admin:settings.write')
      ? [
          actionForm({
            action,
            csrf,
            name: 'log',
            text: say('admin.log_set'),
            fields: [
              selectField({
                name: 'level',
                label: say('admin.log_level'),
                value: level,
                options: changeableLevels.map((value) => ({ value, text: value })),
                hint: say('admin.log_hint'),
              }),
              linesField({
                name: 'levels',
                label: say('admin.log_levels'),
                value: names.join('\n'),
                hint: say('admin.log_levels_hint'),
              }),
            ],
          }),
          ...actions([
            isConfigured
              ? undefined
              : buttonForm({ action, csrf, name: 'reset', text: say('admin.log_reset') }),
          ]),
        ]
      : []),
  ])
}

export const settingsPage = defineAdminPage({
  path,
  section: path,
  scope: 'admin:settings.read',
  async show(input) {
    const { context, query, action, may, ask } = input
    const chosen = { q: query.q, changed: query.changed, cursor: query.cursor }
    const { answer } = await ask(settingRoutes.list, { query: chosen })
    const to = (below: string) => `${context.basePath}${below}`
    return {
      title: say('admin.settings'),
      main: [
        lead({ text: say('admin.settings_lead') }),
        ...actions([
          buttonLink({ path: to(scopesPath), text: say('admin.scopes') }),
          isOfServer(context) ? buttonLink({ path: to(jobsPath), text: say('admin.jobs') }) : undefined,
          may('admin:upstream.read')
            ? buttonLink({ path: to(upstreamsPath), text: say('admin.upstreams') })
            : undefined,
          realmsExist(context) && may('admin:realms.read')
            ? buttonLink({ path: to(realmsPath), text: say('admin.realms') })
            : undefined,
        ]),
        filters({
          action,
          query: chosen,
          filters: [
            { kind: 'text', name: 'q', label: say('admin.settings_search') },
            {
              kind: 'choice',
              name: 'changed',
              label: say('admin.settings_which'),
              options: [{ value: 'true', text: say('admin.settings_changed') }],
            },
          ],
        }),
        dataTable<Setting>({
          label: say('admin.settings'),
          path: action,
          query: chosen,
          rows: answer.items,
          next: answer.next ?? undefined,
          empty: say('admin.settings_none'),
          columns: [
            { title: say('admin.setting'), cell: ({ name }) => code(name) },
            { title: say('admin.setting_value'), cell: ({ value }) => foreignText(value ?? '', 300) },
            { title: say('admin.setting_from'), cell: ({ from }) => code(from) },
          ],
        }),
        ...(isOfServer(context) ? [await logPart(input)] : []),
      ],
    }
  },
  actions: {
    log: {
      done: say('admin.log_done'),
      async run({ fields, ask }) {
        const levels = Object.fromEntries(
          linesOf(fields.levels).map((line) => {
            const [name = '', level = ''] = line.split('=', 2)
            return [name.trim(), level.trim()]
          }),
        )
        await ask(settingRoutes.setLogLevels, { body: { level: fields.level, levels } })
      },
    },
    reset: {
      done: say('admin.log_done'),
      run: async ({ ask }) => void (await ask(settingRoutes.resetLogLevels)),
    },
  },
})
