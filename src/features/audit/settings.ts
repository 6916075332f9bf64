/** The variables of the audit trail that name kinds of events. Others are those of the core, `src/config/audit_variables.ts`. */
import { defineEntries, featureConfig } from '../../config.ts'
import { described } from '../../config/schemas.ts'
import type { Context } from '../../contracts/context.ts'
import { ownMember } from '../../lib/own_member.ts'
import { kinds, type KindName } from '../../models/audit/kinds.ts'
import type { Retention } from '../../models/audit/retention.ts'
import { alertEntries } from './alert_settings.ts'

const longest = 36_500

const retention = described(
  'days from 1 to 36500, then kinds with days of their own: 400 tokens_issued=30 refused=90',
  (text): Retention | undefined => {
    const [first = '', ...rest] = text.split(/[\s,]+/).filter(Boolean)
    const days = (word: string | undefined) => {
      const value = /^[1-9]\d{0,5}$/.test(word ?? '') ? Number(word) : undefined
      return value !== undefined && value <= longest ? value : undefined
    }
    const other = days(first)
    if (other === undefined) return undefined
    const own: Partial<Record<KindName, number>> = {}
    for (const each of rest) {
      const [name = '', number, ...more] = each.split('=')
      const value = days(number)
      if (more.length > 0 || value === undefined || !ownMember(kinds, name)) return undefined
      own[name as KindName] = value
    }
    return { other, kinds: own }
  },
)

export const env = defineEntries([
  ...alertEntries,
  {
    name: 'AUDIT_RETENTION',
    realm: 'own_or_server',
    schema: retention,
    default: '400',
    help: 'Days for which entries of the audit trail are kept, and those of single kinds: 400 tokens_issued=30 refused=90. What is dropped is named by a signed entry, so that the rest still verifies.',
  },
])

export const settings = (context: Pick<Context, 'config'>) => featureConfig(context.config, 'audit', env)
