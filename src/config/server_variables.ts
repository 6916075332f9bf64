/** Variables of the process: address, store, outbound requests, pages, log. */
import { languages } from '../lib/say.ts'
import { profiles, type Sections } from './entry.ts'
import * as is from './schemas.ts'
import { goodCiphers, oldCiphers } from './tls_ciphers.ts'

/** For development only: it is public, and production refuses it. */
export const developmentSecretKey = 'latchkey-development-secret-key-never-use-this-in-production'

export const serverSections = {
  Server: [
    {
      name: 'NODE_ENV',
      schema: is.oneOf('development', 'production', 'test'),
      default: 'development',
      help: 'Production refuses settings that are convenient but unsafe. `test` counts as development.',
    },
    {
      name: 'PROFILE',
      realm: true,
      schema: is.oneOf(...profiles),
      default: 'oauth21',
      help: 'Sets the defaults of many other variables at once: for OAuth 2.1, classic OpenID Connect, FAPI 2.0 or MCP.',
    },
    {
      name: 'PORT',
      schema: is.integer(0, 65_535),
      default: '5000',
      help: 'Port to listen on. 0 takes a free one.',
    },
    {
      name: 'HOST',
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
      schema: is.issuer,
      computed: { development: '`http://localhost:PORT`' },
      required: 'production',
      help: 'The issuer in every token and the base of every URL. May have a path. https unless on loopback.',
    },
    {
      name: 'SECRET_KEY',
      schema: is.secretValues,
      default: { development: developmentSecretKey },
      required: 'production',
      secret: true,
      help: 'Signs cookies and forms, and encrypts secrets and keys in the store. At least 32 characters: `openssl rand -base64 48`. While it changes, a JSON array: the first value seals, the others only open (docs/operations.md).',
    },
    {
      name: 'TLS_CERT_PATH',
      schema: is.path,
      help: 'Certificate chain (PEM) to serve https without a proxy.',
    },
    { name: 'TLS_KEY_PATH', schema: is.path, help: 'Private key (PEM) of that certificate.' },
    {
      name: 'TLS_CIPHERS',
      schema: is.someOf(...goodCiphers, ...oldCiphers),
      default: goodCiphers.join(' '),
      help: 'Cipher suites for TLS 1.2 of that certificate, best first. TLS 1.3 chooses among its own; older versions are refused.',
    },
    {
      name: 'HSTS',
      schema: is.oneOf('off', 'host', 'subdomains', 'preload'),
      default: 'subdomains',
      help: 'Strict-Transport-Security of an https issuer (RFC 6797): browsers ask for https alone, for a year. host: for this host name. subdomains: also for all below it, so choose host if one of them is served over http. preload: also ask browser makers to list it, which is hard to undo. off: no header, such as where the proxy sets it.',
    },
    {
      name: 'PLAIN_HTTP_FROM',
      schema: is.oneOf('proxies', 'anywhere'),
      default: { development: 'anywhere', production: 'proxies' },
      help: 'Whose requests are answered without TLS_CERT_PATH. proxies: those of this machine and of TRUSTED_PROXIES, and every probe of /health. anywhere: those of every address, although others can read them.',
    },
    {
      name: 'TRUSTED_PROXIES',
      schema: is.networks,
      default: '',
      help: 'Addresses of proxies whose X-Forwarded-For is trusted. `loopback` and `private` stand for those networks. A client with such an address can name any other as its own.',
    },
    {
      name: 'CORS_ALLOWED_ORIGINS',
      realm: true,
      schema: is.origins,
      default: { development: '*', production: '' },
      help: 'Origins of browser clients, in addition to those of CORS_REDIRECT_ORIGINS. `*` is allowed in development only.',
    },
    {
      name: 'CORS_REDIRECT_ORIGINS',
      realm: true,
      schema: is.oneOf('off', 'clients', 'registration'),
      default: 'clients',
      profiles: { mcp: 'registration' },
      help: 'Whether pages at the origins of the redirect URIs of a client may read what the client is answered. clients: at /token, /userinfo, /revoke and the other endpoints that clients call. registration: also at /register. off: pages of CORS_ALLOWED_ORIGINS alone.',
    },
    {
      name: 'MAX_BODY_BYTES',
      schema: is.integer(1024, 16_777_216),
      default: '65536',
      help: 'Largest request body, in bytes.',
    },
    {
      name: 'SHUTDOWN_TIMEOUT',
      schema: is.seconds(0, 300),
      default: '10',
      help: 'How long requests in progress may take after SIGTERM.',
    },
    {
      name: 'SHUTDOWN_DELAY',
      schema: is.seconds(0, 300),
      default: { development: '0', production: '1' },
      help: 'Time after SIGTERM in which /health answers 503 and connections are still accepted, so that balancers stop sending requests.',
    },
  ],
  Store: [
    {
      name: 'STORE_URL',
      schema: is.storeUrl,
      computed: {
        development: '`REDIS_URL` if set, else `memory:`',
        production: '`REDIS_URL` if set, else `sqlite:./latchkey.db`',
      },
      secret: true,
      help: 'The store for all data. memory: forgets everything at exit and is refused in production.',
    },
    {
      name: 'REDIS_URL',
      schema: is.redisUrl,
      secret: true,
      help: 'A Redis as the store for all data; an alternative to STORE_URL.',
    },
    {
      name: 'STORE_MOVE_TO',
      schema: is.storeUrl,
      secret: true,
      help: 'Another store, to which `latchkey migrate --from URL --to URL --while-serving` moves all data: all instances must have it then (docs/operations.md).',
    },
    {
      name: 'REDIS_CA_PATH',
      schema: is.path,
      help: 'Certificate authority (PEM) for TLS connections to Redis.',
    },
    {
      name: 'REDIS_EVICTION',
      schema: is.oneOf('refuse', 'allow'),
      default: 'refuse',
      help: 'Whether production starts with a Redis whose maxmemory-policy deletes records when its memory is full: redeemed codes and revoked tokens are then forgotten.',
    },
    {
      name: 'POSTGRES_CA_PATH',
      schema: is.path,
      help: 'Certificate authority (PEM) of the PostgreSQL server. With it the certificate and the name of the server are checked (sslmode=verify-full).',
    },
    {
      name: 'POSTGRES_POOL_SIZE',
      schema: is.integer(1, 1000),
      default: '10',
      help: 'Most connections of this instance to PostgreSQL. All instances together must stay below max_connections of the server.',
    },
    {
      name: 'CLOCK_TOLERANCE',
      schema: is.seconds(1, 86_400),
      default: '30',
      help: 'How many seconds the clock of an instance may differ from that of Redis or PostgreSQL. Beyond it no instance or command starts, and a running instance answers 503 until the clocks agree. With several instances more than 30 is not safe: one could accept what another has seen used.',
    },
    {
      name: 'STORE_ENCRYPTION',
      schema: is.truthOr('migrate'),
      default: 'false',
      help: 'Encrypts values and names of records in the store with keys that are kept under SECRET_KEY. migrate: while `latchkey secrets seal` or `latchkey secrets unseal` encrypts or decrypts a store that is in use.',
    },
    {
      name: 'BACKUP_KEY',
      schema: is.text,
      secret: true,
      help: 'Encrypts the files of `latchkey backup`. At least 32 characters, and not SECRET_KEY: `openssl rand -base64 48`. Needed by `backup` and `restore` alone.',
    },
    {
      name: 'APPLY_HISTORY',
      schema: is.integer(1, 1000),
      default: '20',
      help: 'How many versions of the configuration file the store keeps, to which `latchkey rollback` can go back.',
    },
    {
      name: 'STORE_TIMEOUT_MS',
      schema: is.integer(10, 60_000),
      default: '1000',
      help: 'Milliseconds after which a store that does not answer counts as down.',
    },
  ],
  'Outbound requests': [
    {
      name: 'OUTBOUND_TIMEOUT_MS',
      schema: is.integer(100, 60_000),
      default: '5000',
      help: "Milliseconds for one request to a client's server, such as its keys, request objects or back-channel logout.",
    },
    {
      name: 'OUTBOUND_ALLOW_HOSTS',
      schema: is.hostPortList,
      default: '',
      help: 'Hosts that are exempt from the rules for such requests (https, public addresses, port 443 or from 1024), for example in a private network.',
    },
    {
      name: 'OUTBOUND_CA_PATH',
      schema: is.path,
      help: 'Certificate authorities (PEM) that such requests trust in addition to the public ones.',
    },
  ],
  Pages: [
    {
      name: 'DEFAULT_LANGUAGE',
      realm: true,
      schema: is.oneOf(...languages),
      default: 'en',
      help: 'Language of pages and mails for an End-User who asks for none of the available languages.',
    },
    {
      name: 'THEME_PATH',
      realm: 'by_command',
      schema: is.path,
      help: 'Folder with the appearance of the pages: name, logo, links, colours, templates, messages (examples/theme).',
    },
  ],
  'Logging and metrics': [
    {
      name: 'LOG_LEVEL',
      schema: is.oneOf(...is.levelNames),
      default: 'info',
      help: 'The lowest level that is logged.',
    },
    {
      name: 'LOG_LEVELS',
      schema: is.eventLevels,
      help: 'The lowest level of some events, where it differs: `mail=warn,refused=debug`. A name is that of an event, or the words that it begins with; the longest that fits counts. SIGHUP changes it.',
    },
    {
      name: 'LOG_FORMAT',
      schema: is.oneOf('json', 'text'),
      default: { development: 'text', production: 'json' },
      help: 'JSON for machines or text for people.',
    },
    {
      name: 'LOG_FILE',
      schema: is.path,
      help: 'File that the server writes the log to, in place of standard error. Each instance has its own, on a local disk. SIGHUP opens it again.',
    },
    {
      name: 'LOG_FILE_SIZE',
      schema: is.integer(10_000, 100_000_000_000),
      default: '100000000',
      help: 'Bytes at which that file becomes `NAME.1`, the one before it `NAME.2`, and so on.',
    },
    {
      name: 'LOG_FILE_AGE',
      schema: is.seconds(0, 31_536_000),
      default: '0',
      help: 'Age in seconds at which it does so at the next line; 0 for any age.',
    },
    {
      name: 'LOG_FILE_KEEP',
      schema: is.integer(1, 1000),
      default: '10',
      help: 'How many files before it are kept. Older ones are removed.',
    },
    {
      name: 'METRICS_TOKEN',
      schema: is.bearer(16),
      secret: true,
      help: 'Bearer token that /metrics requires.',
    },
    {
      name: 'USAGE_CLIENTS',
      realm: true,
      schema: is.integer(0, 1000),
      default: '100',
      help: 'How many clients are counted by themselves in each hour and day: tokens, sign-ins, refusals, active people and sessions. At most half of them registered themselves. The rest is counted together. 0 counts nothing.',
    },
    {
      name: 'USAGE_HOURS_KEPT',
      realm: true,
      schema: is.integer(1, 31),
      default: '7',
      help: 'Days for which the counts of each hour are kept.',
    },
    {
      name: 'USAGE_DAYS_KEPT',
      realm: true,
      schema: is.integer(1, 1100),
      default: '400',
      help: 'Days for which the counts of each day are kept.',
    },
  ],
} as const satisfies Sections
