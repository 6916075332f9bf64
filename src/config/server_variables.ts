/** Variables of the process: address, store, outbound requests, pages, log. */
import { languages } from '../lib/say.ts'
import { profiles, type Sections } from './entry.ts'
import * as is from './schemas.ts'
import { storeSections } from './store_variables.ts'
import { goodCiphers, oldCiphers } from './tls_ciphers.ts'

/** For development only: it is public, and production refuses it. */
export const developmentSecretKey = 'latchkey-development-secret-key-never-use-this-in-production'

export const serverSections = {
  Server: [
    {
      name: 'NODE_ENV',
      realm: 'server',
      schema: is.oneOf('development', 'production', 'test'),
      default: 'development',
      help: 'Production refuses settings that are convenient but unsafe. `test` counts as development.',
    },
    {
      name: 'PROFILE',
      realm: 'own_or_server',
      schema: is.oneOf(...profiles),
      default: 'oauth21',
      help: 'Sets the defaults of many other variables at once: for OAuth 2.1, classic OpenID Connect, FAPI 2.0 or MCP.',
    },
    {
      name: 'PORT',
      realm: 'server',
      schema: is.integer(0, 65_535),
      default: '5000',
      help: 'Port to listen on. 0 takes a free one.',
    },
    {
      name: 'HOST',
      realm: 'server',
      schema: is.host,
      computed: {
        development: '`localhost`',
        production:
          '`127.0.0.1`; with TLS_CERT_PATH, or with a proxy on another machine in TRUSTED_PROXIES, `0.0.0.0`',
      },
      help: 'Host name or address to listen on.',
    },
    {
      name: 'ISSUER_URL',
      realm: 'default',
      schema: is.issuer,
      computed: { development: '`http://localhost:PORT`' },
      required: 'production',
      help: 'The issuer in every token and the base of every URL. May have a path. https unless on loopback.',
    },
    {
      name: 'SECRET_KEY',
      realm: 'server',
      schema: is.secretValues,
      default: { development: developmentSecretKey },
      required: 'production',
      secret: true,
      help: 'Signs cookies and forms, and encrypts secrets and keys in the store. At least 32 characters: `openssl rand -base64 48`. While it changes, a JSON array: the first value seals, the others only open (docs/operations.md).',
    },
    {
      name: 'TLS_CERT_PATH',
      realm: 'server',
      schema: is.path,
      help: 'Certificate chain (PEM) to serve https without a proxy.',
    },
    {
      name: 'TLS_KEY_PATH',
      realm: 'server',
      schema: is.path,
      help: 'Private key (PEM) of that certificate.',
    },
    {
      name: 'TLS_CIPHERS',
      realm: 'server',
      schema: is.someOf(...goodCiphers, ...oldCiphers),
      default: goodCiphers.join(' '),
      help: 'Cipher suites for TLS 1.2 of that certificate, best first. TLS 1.3 chooses among its own; older versions are refused.',
    },
    {
      name: 'HSTS',
      realm: 'server',
      schema: is.oneOf('off', 'host', 'subdomains', 'preload'),
      default: 'subdomains',
      help: 'Strict-Transport-Security of an https issuer (RFC 6797): browsers ask for https alone, for a year. host: for this host name. subdomains: also for all below it, so choose host if one of them is served over http. preload: also ask browser makers to list it, which is hard to undo. off: no header, such as where the proxy sets it.',
    },
    {
      name: 'PLAIN_HTTP_FROM',
      realm: 'server',
      schema: is.oneOf('proxies', 'anywhere'),
      default: { development: 'anywhere', production: 'proxies' },
      help: 'Whose requests are answered without TLS_CERT_PATH. proxies: those of this machine and of TRUSTED_PROXIES, and every probe of /health. anywhere: those of every address, although others can read them.',
    },
    {
      name: 'TRUSTED_PROXIES',
      realm: 'server',
      schema: is.networks,
      default: '',
      help: 'Addresses of proxies whose X-Forwarded-For is trusted. `loopback` and `private` stand for those networks. A client with such an address can name any other as its own.',
    },
    {
      name: 'CORS_ALLOWED_ORIGINS',
      realm: 'own_or_server',
      schema: is.origins,
      default: { development: '*', production: '' },
      help: 'Origins of browser clients, in addition to those of CORS_REDIRECT_ORIGINS. `*` is allowed in development only.',
    },
    {
      name: 'CORS_REDIRECT_ORIGINS',
      realm: 'own_or_server',
      schema: is.oneOf('off', 'clients', 'registration'),
      default: 'clients',
      profiles: { mcp: 'registration' },
      help: 'Whether pages at the origins of the redirect URIs of a client may read what the client is answered. clients: at /token, /userinfo, /revoke and the other endpoints that clients call. registration: also at /register. off: pages of CORS_ALLOWED_ORIGINS alone.',
    },
    {
      name: 'MAX_BODY_BYTES',
      realm: 'server',
      schema: is.integer(1024, 16_777_216),
      default: '65536',
      help: 'Largest request body, in bytes.',
    },
    {
      name: 'SHUTDOWN_TIMEOUT',
      realm: 'server',
      schema: is.seconds(0, 300),
      default: '10',
      help: 'How long requests in progress may take after SIGTERM.',
    },
    {
      name: 'SHUTDOWN_DELAY',
      realm: 'server',
      schema: is.seconds(0, 300),
      default: { development: '0', production: '1' },
      help: 'Time after SIGTERM in which /health answers 503 and connections are still accepted, so that balancers stop sending requests.',
    },
  ],
  ...storeSections,
  'Outbound requests': [
    {
      name: 'OUTBOUND_TIMEOUT_MS',
      realm: 'server',
      schema: is.integer(100, 60_000),
      default: '5000',
      help: "Milliseconds for one request to a client's server, such as its keys, request objects or back-channel logout.",
    },
    {
      name: 'OUTBOUND_ALLOW_HOSTS',
      realm: 'server',
      schema: is.hostPortList,
      default: '',
      help: 'Hosts that are exempt from the rules for such requests (https, public addresses, port 443 or from 1024), for example in a private network.',
    },
    {
      name: 'OUTBOUND_CA_PATH',
      realm: 'server',
      schema: is.path,
      help: 'Certificate authorities (PEM) that such requests trust in addition to the public ones.',
    },
  ],
  Pages: [
    {
      name: 'DEFAULT_LANGUAGE',
      realm: 'own_or_server',
      schema: is.oneOf(...languages),
      default: 'en',
      help: 'Language of pages and mails for an End-User who asks for none of the available languages.',
    },
    {
      name: 'THEME_PATH',
      realm: 'own_or_server_by_command',
      schema: is.path,
      help: 'Folder with the appearance of the pages: name, logo, links, colours, templates, messages (examples/theme).',
    },
  ],
  'Logging and metrics': [
    {
      name: 'LOG_LEVEL',
      realm: 'server',
      schema: is.oneOf(...is.levelNames),
      default: 'info',
      help: 'The lowest level that is logged.',
    },
    {
      name: 'LOG_LEVELS',
      realm: 'server',
      schema: is.eventLevels,
      help: 'The lowest level of some events, where it differs: `mail=warn,refused=debug`. A name is that of an event, or the words that it begins with; the longest that fits counts. SIGHUP changes it.',
    },
    {
      name: 'LOG_FORMAT',
      realm: 'server',
      schema: is.oneOf('json', 'text'),
      default: { development: 'text', production: 'json' },
      help: 'JSON for machines or text for people.',
    },
    {
      name: 'LOG_FILE',
      realm: 'server',
      schema: is.path,
      help: 'File that the server writes the log to, in place of standard error. Each instance has its own, on a local disk. SIGHUP opens it again.',
    },
    {
      name: 'LOG_FILE_SIZE',
      realm: 'server',
      schema: is.integer(10_000, 100_000_000_000),
      default: '100000000',
      help: 'Bytes at which that file becomes `NAME.1`, the one before it `NAME.2`, and so on.',
    },
    {
      name: 'LOG_FILE_AGE',
      realm: 'server',
      schema: is.seconds(0, 31_536_000),
      default: '0',
      help: 'Age in seconds at which it does so at the next line; 0 for any age.',
    },
    {
      name: 'LOG_FILE_KEEP',
      realm: 'server',
      schema: is.integer(1, 1000),
      default: '10',
      help: 'How many files before it are kept. Older ones are removed.',
    },
    {
      name: 'METRICS_TOKEN',
      realm: 'server',
      schema: is.bearer(16),
      secret: true,
      help: 'Bearer token that /metrics requires.',
    },
    {
      name: 'USAGE_CLIENTS',
      realm: 'own_or_server',
      schema: is.integer(0, 1000),
      default: '100',
      help: 'How many clients are counted by themselves in each hour and day: tokens, sign-ins, refusals, active people and sessions. At most half of them registered themselves. The rest is counted together. 0 counts nothing.',
    },
    {
      name: 'USAGE_HOURS_KEPT',
      realm: 'own_or_server',
      schema: is.integer(1, 31),
      default: '7',
      help: 'Days for which the counts of each hour are kept.',
    },
    {
      name: 'USAGE_DAYS_KEPT',
      realm: 'own_or_server',
      schema: is.integer(1, 1100),
      default: '400',
      help: 'Days for which the counts of each day are kept.',
    },
  ],
} as const satisfies Sections
