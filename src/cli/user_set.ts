/** `latchkey user set`: changes claims, attributes and roles of an account. */
import { standardClaims } from '../auth/claims.ts'
import { withoutMembers } from '../lib/without_members.ts'
import { tellOfOperator } from '../people/tell_owner.ts'
import { differences } from '../people/author.ts'
import { withContext } from './administration.ts'
import { attributeOptions, readAttributes, readRoles } from './attribute_option.ts'
import { readClaims } from './claim_option.ts'
import { defineCommand } from './command.ts'
import { UsageError } from './failure.ts'
import { audit, change, requireUser } from './people.ts'
import type { User } from '../models/user.ts'

/** Not set here: a verified address belongs to one account, which `latchkey verify` checks. */
const emailClaims = ['email', 'email_verified']

const profileOf = ({ claims, attributes }: User) => ({ claims, attributes })

export const set = defineCommand({
  takes: ['NAME'],
  options: {
    ...attributeOptions,
    role: { ...attributeOptions.role, help: 'A role. The given roles replace all existing ones' },
    'no-roles': { type: 'boolean', help: 'Remove all roles' },
    claim: {
      type: 'string',
      multiple: true,
      value: 'NAME=VALUE',
      help: 'A claim other than the email address',
    },
    unset: { type: 'string', multiple: true, value: 'NAME', help: 'An attribute or claim to remove' },
  },
  async run({ attribute, role, claim, unset = [], 'no-roles': noRoles }, [name]) {
    const attributes = readAttributes(attribute)
    const claims = readClaims(claim)
    const roles = noRoles ? [] : role && readRoles(role)
    if (noRoles && role) throw new UsageError('--no-roles and --role: expected one of them')
    const odd = [...Object.keys(claims), ...unset].find((each) => emailClaims.includes(each))
    if (odd !== undefined)
      throw new UsageError(`${odd} cannot be set here; use latchkey verify NAME --email ADDRESS`)
    if (!attribute && !claim && !roles && unset.length === 0)
      throw new UsageError('nothing to set: expected --attribute, --claim, --role, --no-roles or --unset')
    return withContext('accounts', async (context) => {
      const user = await requireUser(context, name)
      const after = await change(
        context,
        user,
        (current) => ({
          attributes: { ...withoutMembers(current.attributes, unset), ...attributes },
          claims: { ...withoutMembers(current.claims, unset), ...claims },
          ...(roles && { roles }),
        }),
        claims.preferred_username,
      )
      const profile = attribute !== undefined || claim !== undefined || unset.length > 0
      if (profile) await tellOfOperator(context, after, { kind: 'profile_set' })
      if (roles) await tellOfOperator(context, after, { kind: 'roles_set' })
      await audit(context, roles ? 'roles_set' : 'profile_set', after, {
        ...(roles && { roles, roles_before: user.roles }),
        // Personal data are fingerprints, which an erasure leaves behind.
        ...differences(context, profileOf(user), profileOf(after)),
        changed: [...Object.keys(attributes), ...Object.keys(claims), ...unset],
      })
      const facts = {
        username: after.username,
        sub: after.sub,
        roles: after.roles,
        attributes: after.attributes,
      }
      const changedClaims =
        Object.keys(claims).length > 0 || unset.some((each) => standardClaims.includes(each))
      return { facts: { ...facts, ...(changedClaims && { claims: after.claims }) } }
    })
  },
})
