/** The variables of alerts. docs/audit.md, "Alerts" */
import * as v from 'valibot'
import { defineEntries } from '../../config.ts'
import { readJsonSetting } from '../../config/json_setting.ts'
import { described } from '../../config/schemas.ts'
import * as is from '../../config/schemas.ts'
import { readMailAddress } from '../../lib/mail_address.ts'
import { type Rule, Rules, rulesOf } from '../../models/audit/alerts/rule.ts'

const expected = 'off, or a JSON object such as {"rules":{"replay":false}}, or the path of a file with it'

/** `off` is no rule at all. */
const alerts = v.pipe(
  v.string(),
  v.rawTransform<string, readonly Rule[]>(({ dataset, addIssue, NEVER }) => {
    if (dataset.value === 'off') return []
    if (dataset.value === 'built-in') return rulesOf({})
    const read = readJsonSetting(dataset.value, Rules, expected, addIssue)
    return read ? rulesOf(read.rules) : NEVER
  }),
  v.description(expected),
)

const mostAddresses = 20

const addresses = described(
  `mail addresses, separated by spaces or commas, at most ${mostAddresses}`,
  (text): readonly string[] | undefined => {
    const words = text.split(/[\s,]+/).filter(Boolean)
    const read = words.flatMap((word) => readMailAddress(word) ?? [])
    return read.length === words.length && read.length > 0 && read.length <= mostAddresses ? read : undefined
  },
)

export const alertEntries = defineEntries([
  {
    name: 'AUDIT_ALERTS',
    realm: 'own_or_server_by_command',
    schema: alerts,
    default: 'built-in',
    help: 'Rules of alerts beside the built-in ones, as JSON or the path of a file with it (docs/audit.md); `off`: none.',
  },
  {
    name: 'AUDIT_ALERT_MAIL',
    realm: 'own_or_default',
    schema: addresses,
    needs: 'AUDIT_SIGNING_KEY',
    help: 'Where alerts are mailed: addresses, separated by spaces.',
  },
  {
    name: 'AUDIT_ALERT_MAILS_PER_HOUR',
    realm: 'own_or_default',
    schema: is.integer(1, 1000),
    default: '12',
    help: 'Mails of alerts in an hour. Further alerts wait, and come together in the next one.',
  },
  {
    name: 'AUDIT_ALERT_WEBHOOK_URL',
    realm: 'default',
    schema: is.webUrl,
    secret: true,
    outbound: is.urlsIn,
    needs: 'AUDIT_WEBHOOK_SECRET',
    help: 'An https URL to which alerts alone are posted, signed as those of AUDIT_WEBHOOK_URL.',
  },
])
