/** `latchkey invite …`: invitations for the owner of an address to create an account. */
import { readMailAddress } from '../lib/mail_address.ts'
import { Invitation } from '../models/invitation.ts'
import { invite as inviteTo, longestInvitation, revokeInvitation } from '../people/invitations.ts'
import { withContext } from './administration.ts'
import { attributeOptions, readAttributes, readRoles } from './attribute_option.ts'
import { defineCommand } from './command.ts'
import { Refusal, UsageError } from './failure.ts'
import { moment, print, printable, printFacts, printList, withTimes } from './output.ts'
import { readTime } from './time_option.ts'

export const invite = defineCommand({
  takes: ['ADDRESS'],
  options: {
    ...attributeOptions,
    expires: {
      type: 'string',
      value: 'TIME',
      help: 'Lifetime, for example 12h or 30d. Default: 7d',
    },
    'no-mail': { type: 'boolean', help: 'Print the link and mail nothing' },
  },
  async run({ role, attribute, expires = '7d', 'no-mail': noMail }, [address]) {
    const email = readMailAddress(address)
    if (email === undefined)
      throw new UsageError(`expected an address such as name@example.com, got ${printable(address)}`)
    const lifetime = readTime('expires', expires, longestInvitation)
    const [roles, attributes] = [readRoles(role), readAttributes(attribute)]
    return withContext('accounts', async (context) => {
      const made = await inviteTo(context, 'operator', {
        email,
        roles,
        attributes,
        lifetime,
        byMail: !noMail,
      })
      if (made === 'closed')
        throw new Refusal(
          'ACCOUNT_REGISTRATION is closed, so no invitation can be accepted: set it to invitation or open',
        )
      if (made === 'taken')
        throw new Refusal(
          `there is an account for ${printable(email)} already; latchkey user list shows all accounts`,
        )
      const { record, mailed, link } = made
      const facts = { id: record.id, email, roles, expires: moment(record.exp), mailed, link }
      return {
        facts,
        show() {
          printFacts(facts)
          print(
            mailed
              ? '\nA running server mails the link. It is shown only once.'
              : `\nSend the link to ${printable(email)}. It is shown only once.`,
          )
        },
      }
    })
  },
})

export const list = defineCommand({
  takes: [],
  options: {},
  run: () =>
    withContext('accounts', async (context) => {
      const found = await Invitation.list(context)
      const rows = found.map(({ secret_hash: _hash, invited: _invited, ...shown }) => shown)
      const cells = rows.map(({ id, email, roles, created_at, exp }) => {
        return [id, email, roles.join(' '), moment(created_at), moment(exp)]
      })
      return {
        facts: rows.map(withTimes),
        show: () =>
          printList(
            ['ID', 'ADDRESS', 'ROLES', 'CREATED', 'EXPIRES'],
            cells,
            'there are no pending invitations',
          ),
      }
    }),
})

export const revoke = defineCommand({
  takes: ['ID'],
  options: {},
  run: (_, [id]) =>
    withContext('accounts', async (context) => {
      if (!(await revokeInvitation(context, 'operator', id)))
        throw new Refusal(
          `there is no invitation ${printable(id)}; latchkey invite list shows all pending invitations`,
        )
      return { facts: { id, revoked: true }, show: () => print(`${printable(id)} is revoked`) }
    }),
})
