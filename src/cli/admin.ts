/** `latchkey admin …`: the administrators and their roles. docs/administration.md */
import { adminRoleNames, scopesOfRole } from '../auth/admin_roles.ts'
import { Administrators } from '../models/administrators.ts'
import { User } from '../models/user.ts'
import { setAdministrator } from '../people/administrator_account.ts'
import { withContext } from './administration.ts'
import { defineCommand } from './command.ts'
import { Refusal, UsageError } from './failure.ts'
import { moment, print, printable, printList } from './output.ts'
import { requireNamed, requireOwnerRemains, subOption } from './people.ts'

export const grant = defineCommand({
  takes: ['NAME'],
  options: {
    ...subOption,
    role: { type: 'string', value: 'ROLE', help: `${adminRoleNames.join(', ')}. Default: owner` },
  },
  run({ sub, role: wanted = 'owner' }, [name]) {
    const role = adminRoleNames.find((each) => each === wanted)
    if (role === undefined)
      throw new UsageError(`--role: expected ${adminRoleNames.join(', ')}, got ${printable(wanted)}`)
    return withContext('accounts', async (context) => {
      const user = await requireNamed(context, name, sub)
      const outcome = await setAdministrator(context, 'operator', user, { role })
      requireOwnerRemains(user, outcome)
      return {
        facts: { username: user.username, sub: user.sub, administration_role: role },
        show: () => print(`${printable(user.username)} has the role ${role} of the administration`),
      }
    })
  },
})

export const revoke = defineCommand({
  takes: ['NAME'],
  options: {
    ...subOption,
    'dry-run': { type: 'boolean', help: 'Only say what the account would lose' },
  },
  run: ({ sub, 'dry-run': dryRun = false }, [name]) =>
    withContext('accounts', async (context) => {
      const user = await requireNamed(context, name, sub)
      const entry = await Administrators.find(context, user.sub)
      if (!entry)
        throw new Refusal(
          `${printable(user.username)} has no role; latchkey admin list shows all administrators`,
        )
      if (dryRun) {
        if (await Administrators.isLastOwner(context, user.sub)) requireOwnerRemains(user, 'last_owner')
        const { role } = entry
        const scopes = scopesOfRole(role)
        return {
          facts: { username: user.username, sub: user.sub, lost: { role, scopes }, dry_run: true },
          show: () =>
            print(
              `${printable(user.username)} would lose the role ${role} of the administration, with ${scopes.join(' ')}; nothing was changed`,
            ),
        }
      }
      requireOwnerRemains(user, await setAdministrator(context, 'operator', user, { role: undefined }))
      return {
        facts: { username: user.username, sub: user.sub, administration_role: null },
        show: () => print(`${printable(user.username)} has no role of the administration now`),
      }
    }),
})

export const list = defineCommand({
  takes: [],
  options: {},
  run: () =>
    withContext('accounts', async (context) => {
      const all = await Promise.all(
        [...(await Administrators.all(context))].map(async ([sub, { role, since, suspended }]) => ({
          username: (await User.find(context, sub))?.username ?? null,
          sub,
          administration_role: role,
          since: moment(since),
          disabled: suspended ?? false,
        })),
      )
      const rows = all.map(({ username, administration_role: role, disabled, sub, since }) => [
        username ?? '',
        role,
        disabled ? 'disabled' : 'active',
        sub,
        since,
      ])
      return {
        facts: all,
        show: () =>
          printList(
            ['USERNAME', 'ROLE', 'STATE', 'SUB', 'SINCE'],
            rows,
            'there are no administrators; latchkey admin grant NAME makes an owner',
          ),
      }
    }),
})
