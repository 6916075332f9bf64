/** Variables of limits: requests, what is kept of them, sign-ins. */
import type { Sections } from './entry.ts'
import * as is from './schemas.ts'

export const limitSections = {
  'Sign-in and limits': [
    {
      name: 'RATE_LIMITING_ENABLED',
      realm: 'own_or_server',
      schema: is.boolean,
      default: { development: 'false', production: 'true' },
      help: 'Limits requests by client, by access token and by address.',
    },
    {
      name: 'RATE_LIMIT_PER_MINUTE',
      realm: 'own_or_server',
      schema: is.integer(1, 10_000_000),
      default: '600',
      help: 'Allowed requests in a minute, by address: those that prove neither a client of the operator nor an access token. Also: allowed different wrong secrets in a minute for one client from one address.',
    },
    {
      name: 'CLIENT_RATE_LIMIT_PER_MINUTE',
      realm: 'own_or_server',
      schema: is.integer(1, 10_000_000),
      default: '60000',
      help: 'Allowed requests in a minute, by client of the operator that authenticates, at all its addresses together.',
    },
    {
      name: 'TOKEN_RATE_LIMIT_PER_MINUTE',
      realm: 'own_or_server',
      schema: is.integer(1, 10_000_000),
      default: '6000',
      help: 'Allowed requests in a minute at /userinfo and the other APIs of this provider, for the access tokens of one End-User for one client. All clients that registered themselves count together for an End-User, and without one by address.',
    },
    {
      name: 'KEPT_BYTES_PER_ADDRESS',
      realm: 'own_or_server',
      schema: is.integer(65_536, 100_000_000_000),
      default: '33554432',
      help: 'How many bytes of pending requests are kept for one address: sign-in pages over INTERACTION_TTL, pushed requests over PAR_TTL, registrations over an hour, each kind by itself. Further requests are answered with 429.',
    },
    {
      name: 'MAX_STATE_CHARACTERS',
      realm: 'own_or_server',
      schema: is.integer(128, 65_536),
      default: '4096',
      help: 'Longest `state` of an authorization request.',
    },
    {
      name: 'MAX_NONCE_CHARACTERS',
      realm: 'own_or_server',
      schema: is.integer(128, 65_536),
      default: '1024',
      help: 'Longest `nonce` of an authorization request. Each ID Token carries it.',
    },
    {
      name: 'MAX_CLAIMS_CHARACTERS',
      realm: 'own_or_server',
      schema: is.integer(128, 65_536),
      default: '8192',
      help: 'Longest `claims` of an authorization request. A grant keeps what they ask for.',
    },
    {
      name: 'SIGN_IN_CONCURRENCY',
      realm: 'server',
      schema: is.integer(1, 1024),
      computed: 'one less than the processors, at least 1',
      help: 'How many passwords are checked at the same time.',
    },
    {
      name: 'SIGN_IN_QUEUE',
      realm: 'server',
      schema: is.integer(0, 1_000_000),
      default: '200',
      help: 'How many sign-ins may wait to be checked. Further ones are answered with 503.',
    },
    {
      name: 'SIGN_IN_ATTEMPTS_PER_ACCOUNT',
      realm: 'own_or_server',
      schema: is.integer(1, 1_000_000),
      default: '10',
      help: 'Allowed failed sign-ins in one window, by the username or email address that was typed.',
    },
    {
      name: 'SIGN_IN_ATTEMPTS_PER_ADDRESS',
      realm: 'own_or_server',
      schema: is.integer(1, 1_000_000),
      default: '100',
      help: 'Allowed failed sign-ins in one window, by network address.',
    },
    {
      name: 'SIGN_IN_WINDOW',
      realm: 'own_or_server',
      schema: is.seconds(1, 86_400),
      default: '900',
      help: 'Length of the window for these two limits.',
    },
    {
      name: 'SECOND_FACTORS',
      realm: 'own_or_server',
      schema: is.someOf('totp', 'passkey', 'sms', 'email', 'recovery'),
      default: 'totp passkey recovery',
      help: 'Second factors that End-Users may set up and use. A passkey that exists counts in any case. A mailed code (email) is not a factor by NIST SP 800-63B: it is asked for, but does not raise acr.',
    },
  ],
} as const satisfies Sections
