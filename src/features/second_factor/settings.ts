/** Configuration of second factors. docs/configuration.md */
import { defineEntries, featureConfig } from '../../config.ts'
import * as is from '../../config/schemas.ts'
import type { Config } from '../../config.ts'

export const featureName = 'second_factor'

export const env = defineEntries([
  {
    name: 'SECOND_FACTOR',
    realm: 'own_or_server',
    schema: is.oneOf('optional', 'required'),
    default: 'optional',
    help: 'Whether every End-User must have a second factor. Without one, the End-User sets one up at the next sign-in.',
  },
  {
    name: 'SECOND_FACTOR_ROLES',
    realm: 'own_or_server',
    schema: is.words,
    help: 'Roles whose members must have a second factor.',
  },
  {
    name: 'SECOND_FACTOR_ATTEMPTS',
    realm: 'own_or_server',
    schema: is.integer(3, 1000),
    default: '10',
    help: 'Allowed wrong second factors of one account in SIGN_IN_WINDOW, and five times as many in a day. A browser that signed in before has a count of its own.',
  },
  {
    name: 'TRUSTED_DEVICE_TTL',
    realm: 'own_or_server',
    schema: is.seconds(0, 31_536_000),
    default: '2592000',
    help: 'How long an End-User may let a device skip the second factor; acr and amr then say one factor. 0: not offered.',
  },
  {
    name: 'SMS_GATEWAY_URL',
    realm: 'server',
    credentials: true,
    schema: is.webUrl,
    outbound: is.urlsIn,
    help: 'Gateway that sends text messages with codes. {to} and {text} in its query are replaced.',
  },
  {
    name: 'SMS_GATEWAY_METHOD',
    realm: 'server',
    schema: is.oneOf('POST', 'PUT', 'GET'),
    default: 'POST',
    help: 'HTTP method of requests to the gateway.',
  },
  {
    name: 'SMS_GATEWAY_BODY',
    realm: 'server',
    credentials: true,
    schema: is.text,
    default: '{"to":"{to}","text":"{text}"}',
    help: 'Body of these requests: JSON if it begins with a brace, otherwise a form. {to} is the number with its plus sign, {text} the message.',
  },
  {
    name: 'SMS_GATEWAY_TOKEN',
    realm: 'server',
    schema: is.bearer(8),
    secret: true,
    help: 'Sent to the gateway as Authorization: Bearer.',
  },
])

export const settingsOf = (config: Config) => featureConfig(config, featureName, env)
