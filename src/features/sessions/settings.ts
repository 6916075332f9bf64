/** What an operator may say of sessions and devices. docs/configuration.md */
import { defineEntries, featureConfig } from '../../config.ts'
import * as is from '../../config/schemas.ts'
import type { Context } from '../../contracts/context.ts'

export const env = defineEntries([
  {
    name: 'SESSION_LIMIT',
    schema: is.integer(0, 1000),
    default: '0',
    help: 'In how many places one person may be signed in at a time; 0 for any number.',
  },
  {
    name: 'SESSION_LIMIT_POLICY',
    schema: is.oneOf('end_oldest', 'refuse'),
    default: 'end_oldest',
    help: 'What a sign-in beyond SESSION_LIMIT does: it ends the oldest session, or it is refused.',
  },
  {
    name: 'SESSION_DEVICE_CHECK',
    schema: is.boolean,
    default: 'true',
    help: 'A session that turns up in another browser or system than it began in is ended, and its owner told.',
  },
  {
    name: 'NEW_DEVICE_MAIL',
    schema: is.boolean,
    default: 'true',
    help: 'The first sign-in from a device that is new to an account is mailed to its owner.',
  },
])

export const settings = (context: Context) => featureConfig(context.config, 'sessions', env)
