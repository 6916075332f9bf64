/** What an administrator may do with a person: role, state, factors, erasure. Each performs a route of the API. */
import type { AdminRole } from '../../../auth/admin_roles.ts'
import { holdsRole, adminRoleNames } from '../../../auth/admin_roles.ts'
import { buttonForm } from '../../../html/account_parts.ts'
import { foreignText } from '../../../html/foreign_text.ts'
import type { Html } from '../../../html/view.ts'
import { type Said, say } from '../../../lib/say.ts'
import { accessRoutes } from '../routes/access.ts'
import { personChangeRoutes } from '../routes/person_changes.ts'
import { administratorRoutes } from '../routes/administrators.ts'
import { peopleRoutes } from '../routes/people.ts'
import { personStateRoutes } from '../routes/person_state.ts'
import { canMail } from '../../../people/mail.ts'
import type { PageAction, PageInput } from './page.ts'
import { claimActions } from './person_claims.ts'
import { actionForm, actions, confirmation, section, selectField } from './parts.ts'
import { roleWords } from './words.ts'

export const path = '/admin/people/{sub}'
type Input = PageInput<typeof path>

interface Shown {
  username: string
  state: string
  administration_role: AdminRole | null
  has_address: boolean
}

/** Undefined where the role of the administrator does not reach over that of the person. */
export function actionsOf(input: Input, person: Shown, etag: string): Html[] {
  const { action, csrf, actor, may, context } = input
  if (!may('admin:people.write') || !holdsRole(actor.scopes, person.administration_role ?? undefined))
    return []
  const button = (name: string, text: Said, kind: 'danger' | '' = '') =>
    buttonForm({ action, csrf, name, text, kind, fields: { etag, username: person.username } })
  return [
    section(say('admin.actions'), [
      ...actions([
        person.state === 'disabled'
          ? button('enable', say('admin.enable'))
          : button('disable', say('admin.disable'), 'danger'),
        canMail(context) && person.has_address ? button('send_reset', say('admin.send_reset')) : undefined,
        may('admin:sessions.write') ? button('end_sessions', say('admin.sessions_end')) : undefined,
        button('reset_factors', say('admin.factors_reset'), 'danger'),
        button('erase', say('admin.person_erase'), 'danger'),
      ]),
    ]),
  ]
}

/** Roles that the administrator may give. */
export function roleForm({ action, csrf, actor, may }: Input, person: Shown, etag: string): Html[] {
  const current = person.administration_role ?? undefined
  if (!may('admin:roles.write') || !holdsRole(actor.scopes, current)) return []
  const options = adminRoleNames.filter((role) => holdsRole(actor.scopes, role))
  return [
    section(say('admin.role'), [
      actionForm({
        action,
        csrf,
        name: 'role',
        text: say('admin.save'),
        hidden: { role_etag: etag },
        fields: [
          selectField({
            name: 'administration_role',
            label: say('admin.role'),
            value: current ?? '',
            hint: say('admin.role_hint'),
            options: [
              { value: '', text: say('admin.role_none') },
              ...options.map((role) => ({ value: role, text: roleWords[role] })),
            ],
          }),
        ],
      }),
    ]),
  ]
}

const nameOf = ({ params }: Input, fields: Readonly<Record<string, string | undefined>>): string =>
  foreignText(fields.username ?? params.sub)

export const personActions: Readonly<Record<string, PageAction<typeof path>>> = {
  ...claimActions,
  withdraw: {
    done: say('admin.consent_withdrawn'),
    run: async ({ params, fields, ask }) =>
      void (await ask(accessRoutes.withdrawConsent, {
        params: { sub: params.sub, client_id: fields.client_id ?? '' },
      })),
  },
  remove_connection: {
    done: say('connections.removed'),
    run: async ({ params, fields, ask }) =>
      void (await ask(peopleRoutes.removeConnection, {
        params: { sub: params.sub, id: fields.connection ?? '' },
      })),
  },
  role: {
    done: say('admin.saved'),
    async run({ params, fields, ask }) {
      const role = fields.administration_role
      const ifMatch = fields.role_etag
      if (role === undefined || role === '') await ask(administratorRoutes.remove, { params, ifMatch })
      else await ask(administratorRoutes.set, { params, ifMatch, body: { role } })
    },
  },
  enable: {
    done: say('admin.enabled'),
    run: async ({ params, ask }) => void (await ask(personStateRoutes.enable, { params })),
  },
  disable: {
    done: say('admin.person_disabled'),
    async run(input) {
      const { params, fields, ask, action, csrf } = input
      if (fields.confirmed === 'yes') return void (await ask(personStateRoutes.disable, { params }))
      const { answer } = await ask(personStateRoutes.disable, { params, dryRun: true })
      const text = say('admin.person_disable_means', {
        person: nameOf(input, fields),
        n: answer.ended_sessions,
      })
      return { show: confirmation({ title: say('admin.disable'), text, action, csrf, name: 'disable' }) }
    },
  },
  send_reset: {
    done: say('admin.reset_sent'),
    run: async ({ params, ask }) => void (await ask(personChangeRoutes.sendReset, { params })),
  },
  end_session: {
    done: say('admin.session_ended'),
    run: async ({ fields, ask }) =>
      void (await ask(accessRoutes.endSession, { params: { sid: fields.sid ?? '' } })),
  },
  end_sessions: {
    done: say('admin.sessions_ended'),
    run: async ({ params, ask }) => void (await ask(accessRoutes.endOfPerson, { params })),
  },
  reset_factors: {
    done: say('admin.factors_gone'),
    async run(input) {
      const { params, fields, ask, action, csrf } = input
      if (fields.confirmed === 'yes') return void (await ask(personStateRoutes.resetFactors, { params }))
      const { answer } = await ask(personStateRoutes.resetFactors, { params, dryRun: true })
      const text = say('admin.factors_reset_means', {
        person: nameOf(input, fields),
        n: answer.ended_sessions,
      })
      return {
        show: confirmation({ title: say('admin.factors_reset'), text, action, csrf, name: 'reset_factors' }),
      }
    },
  },
  erase: {
    done: say('admin.person_erased'),
    async run(input) {
      const { params, fields, ask, action, csrf } = input
      const { etag = '' } = fields
      if (fields.confirmed === 'yes') {
        await ask(personStateRoutes.remove, { params, ifMatch: etag })
        return { to: '/admin/people' }
      }
      await ask(personStateRoutes.remove, { params, ifMatch: etag, dryRun: true })
      const text = say('admin.person_erase_means', { person: nameOf(input, fields) })
      return {
        show: confirmation({
          title: say('admin.person_erase'),
          text,
          action,
          csrf,
          name: 'erase',
          fields: { etag },
        }),
      }
    },
  },
}
