/** Variables of the audit trail. docs/audit.md */
import { described } from './schemas.ts'
import * as is from './schemas.ts'
import type { Sections } from './entry.ts'

const leastKey = 32

const signingKeys = described(
  `texts of at least ${leastKey} characters, separated by spaces: the first signs, the others verify`,
  (text): readonly string[] | undefined => {
    const values = text.split(/\s+/).filter(Boolean)
    return values.length > 0 && values.every((value) => value.length >= leastKey) ? values : undefined
  },
)

const chainName = described('letters, digits, dots and dashes, at most 100', (text) =>
  /^[\w.-]{1,100}$/.test(text) ? text : undefined,
)

export const auditSections = {
  'Audit trail': [
    {
      name: 'AUDIT_SIGNING_KEY',
      schema: signingKeys,
      secret: true,
      help: 'Turns the audit trail on: its entries carry an HMAC by this key (docs/audit.md). Several values, separated by spaces: the first signs, the others verify what they signed.',
    },
    {
      name: 'AUDIT_CHAIN',
      schema: chainName,
      needs: 'AUDIT_SIGNING_KEY',
      computed: 'the host name',
      help: 'Name of the chain of this instance. It stays the same when the instance restarts. Commands write to the chain of that name with `.cli`.',
    },
    {
      name: 'AUDIT_CHECKPOINT_INTERVAL',
      schema: is.seconds(1, 3600),
      default: '60',
      help: 'How often a checkpoint signs what is new in the audit trail. Until then an entry is protected by its HMAC alone.',
    },
  ],
} as const satisfies Sections
