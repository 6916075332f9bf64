/** What an operator may say of second factors. docs/configuration.md */
import { defineEntries, featureConfig } from '../../config.ts'
import * as is from '../../config/schemas.ts'
import type { Config } from '../../config.ts'

export const featureName = 'second_factor'

export const env = defineEntries([
  {
    name: 'SECOND_FACTOR',
    schema: is.oneOf('optional', 'required'),
    default: 'optional',
    help: 'Whether everybody must have a second factor; who has none sets one up at the next sign-in.',
  },
  {
    name: 'SECOND_FACTOR_ROLES',
    schema: is.words,
    help: 'Roles whose people must have a second factor.',
  },
  {
    name: 'SECOND_FACTOR_ATTEMPTS',
    schema: is.integer(3, 1000),
    default: '10',
    help: 'Wrong second factors of one account in SIGN_IN_WINDOW, and five times as many in a day; a browser that signed in before is counted apart.',
  },
  {
    name: 'TRUSTED_DEVICE_TTL',
    schema: is.seconds(0, 31_536_000),
    default: '2592000',
    help: 'How long a person may have a device spared the second factor; 0 offers it to nobody. acr and amr say one factor there.',
  },
  {
    name: 'SMS_GATEWAY_URL',
    schema: is.webUrl,
    help: 'Sends text messages, for codes by SMS. {to} and {text} in its query are filled in.',
  },
  {
    name: 'SMS_GATEWAY_METHOD',
    schema: is.oneOf('POST', 'PUT', 'GET'),
    default: 'POST',
    help: 'How the gateway is asked.',
  },
  {
    name: 'SMS_GATEWAY_BODY',
    schema: is.text,
    default: '{"to":"{to}","text":"{text}"}',
    help: 'What it is sent: JSON when it begins with a brace, otherwise a form. {to} is the number with its plus sign, {text} the message.',
  },
  {
    name: 'SMS_GATEWAY_TOKEN',
    schema: is.bearer(8),
    secret: true,
    help: 'Sent to the gateway as Authorization: Bearer.',
  },
])

export const settingsOf = (config: Config) => featureConfig(config, featureName, env)
