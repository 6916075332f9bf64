/** The variables of sessions and devices. docs/configuration.md */
import { defineEntries, featureConfig } from '../../config.ts'
import * as is from '../../config/schemas.ts'
import type { Context } from '../../contracts/context.ts'

export const env = defineEntries([
  {
    name: 'SESSION_LIMIT',
    realm: 'own_or_server',
    schema: is.integer(0, 1000),
    default: '0',
    help: 'How many sessions an End-User may have at the same time. 0: any number.',
  },
  {
    name: 'SESSION_LIMIT_POLICY',
    realm: 'own_or_server',
    schema: is.oneOf('end_oldest', 'refuse'),
    default: 'end_oldest',
    help: 'What a sign-in beyond SESSION_LIMIT does. end_oldest: it ends the oldest session. refuse: it is refused.',
  },
  {
    name: 'SESSION_DEVICE_CHECK',
    realm: 'own_or_server',
    schema: is.boolean,
    default: 'true',
    help: 'Ends a session that is used in another browser or system than it began in, and tells the owner by mail.',
  },
  {
    name: 'NEW_DEVICE_MAIL',
    realm: 'own_or_server',
    schema: is.boolean,
    default: 'true',
    help: 'Mails the owner of an account at the first sign-in from a new device.',
  },
])

export const settings = (context: Context) => featureConfig(context.config, 'sessions', env)
