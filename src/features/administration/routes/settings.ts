/** The settings in force, without secrets, and the levels of the log, which change while the server runs. docs/configuration.md */
import * as v from 'valibot'
import { HttpError } from '../../../auth/errors.ts'
import type { Context } from '../../../contracts/context.ts'
import type { ServerControls } from '../../../contracts/server.ts'
import { noteChange } from '../../../people/author.ts'
import { authorOf } from '../actor.ts'
import { pageOf, pageQuery, pageWithin } from '../cursor.ts'
import { isOfServer } from '../existence.ts'
import { defineRoute } from '../route.ts'

/** What only a process that serves has. */
export function requireServer({ server }: Context): ServerControls {
  if (server) return server
  throw new HttpError('temporarily_unavailable', { expected: 'a process that serves requests' })
}

const Setting = v.object({
  name: v.string(),
  value: v.pipe(v.nullable(v.string()), v.description('As text; null where nothing is set')),
  hidden: v.pipe(v.boolean(), v.description('It is a secret, or a credential was left out')),
  from: v.pipe(
    v.string(),
    v.description(
      'environment, .env, file (NAME_FILE), vault, awssm, gcpsm, exec, apply (a configuration file), PROFILE or default',
    ),
  ),
  help: v.string(),
})

/** `silent` is no level here: errors stay in the log. */
export const changeableLevels = ['debug', 'info', 'warn', 'error'] as const
const Level = v.picklist(changeableLevels, `one of ${changeableLevels.join(', ')}`)

const mostEvents = 50
/** Words that names of events begin with, as in LOG_LEVELS. */
const EventName = v.pipe(v.string(), v.regex(/^[a-z][a-z0-9_]{0,63}$/, 'a name such as mail or refused'))

const LogLevels = v.object({
  level: v.string(),
  levels: v.record(v.string(), v.string()),
  is_configured: v.pipe(
    v.boolean(),
    v.description('false: an administrator has changed them, until the server restarts'),
  ),
})

const shown = ({ logLevels }: ServerControls) => {
  const { level, levels, isConfigured } = logLevels.current()
  return { level, levels, is_configured: isConfigured }
}

/** For the audit trail: `info, mail=warn`. */
const told = ({ level, levels }: { level: string; levels: Readonly<Record<string, string>> }): string =>
  [level, ...Object.entries(levels).map(([name, each]) => `${name}=${each}`)].join(', ').slice(0, 300)

export const settingRoutes = {
  list: defineRoute({
    method: 'GET',
    path: '/settings',
    summary: 'Lists the settings in force, where each came from, and no secret',
    scope: 'admin:settings.read',
    query: {
      ...pageQuery,
      q: v.optional(v.pipe(v.string(), v.maxLength(100), v.description('A part of the name'))),
      changed: v.optional(
        v.pipe(v.picklist(['true', 'false']), v.description('true: without those that have their default')),
      ),
    },
    answer: pageOf(Setting),
    async run(_call, context, { query }) {
      const wanted = query.q?.toUpperCase()
      const all = (context.ownSettings ?? requireServer(context).settings)()
        .filter(({ name }) => wanted === undefined || name.includes(wanted))
        .filter(({ from }) => query.changed !== 'true' || from !== 'default')
      const { items, next } = pageWithin(context, { list: 'settings', query }, all, ({ name }) => name)
      return {
        answer: { items: items.map(({ value, ...each }) => ({ ...each, value: value ?? null })), next },
      }
    },
  }),

  logLevels: defineRoute({
    method: 'GET',
    path: '/log_levels',
    summary: 'The levels of the log of this instance',
    exists: isOfServer,
    scope: 'admin:settings.read',
    answer: LogLevels,
    run: async (_call, context) => ({ answer: shown(requireServer(context)) }),
  }),

  setLogLevels: defineRoute({
    method: 'PUT',
    path: '/log_levels',
    summary: 'Changes the levels of the log of this instance until it restarts',
    exists: isOfServer,
    scope: 'admin:settings.write',
    changes:
      'what this instance logs, until it restarts or SIGHUP finds other levels in the configuration; other instances stay as they are',
    body: {
      level: Level,
      levels: v.optional(
        v.pipe(
          v.record(EventName, Level),
          v.check((levels) => Object.keys(levels).length <= mostEvents, `at most ${mostEvents} names`),
          v.description(
            'Of some events, by the words that their names begin with, such as {"mail": "debug"}',
          ),
        ),
        {},
      ),
    },
    answer: LogLevels,
    async run(call, context, { body, actor }) {
      const server = requireServer(context)
      const before = told(server.logLevels.current())
      // First: the line of the log says by whose act there may be fewer of them.
      await noteChange(context, authorOf(call, actor), 'log_levels_set', {
        changed: ['LOG_LEVEL', 'LOG_LEVELS'],
        before: { log: before },
        after: { log: told(body) },
      })
      server.logLevels.set(body)
      return { answer: shown(server) }
    },
  }),

  resetLogLevels: defineRoute({
    method: 'DELETE',
    path: '/log_levels',
    summary: 'The levels of the configuration hold again',
    exists: isOfServer,
    scope: 'admin:settings.write',
    changes: 'what this instance logs',
    answer: LogLevels,
    async run(call, context, { actor }) {
      const server = requireServer(context)
      const { logLevel, logLevels = {} } = context.config
      await noteChange(context, authorOf(call, actor), 'log_levels_reset', {
        changed: ['LOG_LEVEL', 'LOG_LEVELS'],
      })
      server.logLevels.set({ level: logLevel, levels: logLevels })
      return { answer: shown(server) }
    },
  }),
}
