/** Variables of the store and its backups. */
import type { Sections } from './entry.ts'
import * as is from './schemas.ts'

export const storeSections = {
  Store: [
    {
      name: 'STORE_URL',
      realm: 'server',
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
      realm: 'server',
      schema: is.redisUrl,
      secret: true,
      help: 'A Redis as the store for all data; an alternative to STORE_URL.',
    },
    {
      name: 'STORE_MOVE_TO',
      realm: 'server',
      schema: is.storeUrl,
      secret: true,
      help: 'Another store, to which `latchkey migrate --from URL --to URL --while-serving` moves all data: all instances must have it then (docs/operations.md).',
    },
    {
      name: 'REDIS_CA_PATH',
      realm: 'server',
      schema: is.path,
      help: 'Certificate authority (PEM) for TLS connections to Redis.',
    },
    {
      name: 'REDIS_EVICTION',
      realm: 'server',
      schema: is.oneOf('refuse', 'allow'),
      default: 'refuse',
      help: 'Whether production starts with a Redis whose maxmemory-policy deletes records when its memory is full: redeemed codes and revoked tokens are then forgotten.',
    },
    {
      name: 'POSTGRES_CA_PATH',
      realm: 'server',
      schema: is.path,
      help: 'Certificate authority (PEM) of the PostgreSQL server. With it the certificate and the name of the server are checked (sslmode=verify-full).',
    },
    {
      name: 'POSTGRES_POOL_SIZE',
      realm: 'server',
      schema: is.integer(1, 1000),
      default: '10',
      help: 'Most connections of this instance to PostgreSQL. All instances together must stay below max_connections of the server.',
    },
    {
      name: 'CLOCK_TOLERANCE',
      realm: 'server',
      schema: is.seconds(1, 86_400),
      default: '30',
      help: 'How many seconds the clock of an instance may differ from that of Redis or PostgreSQL. Beyond it no instance or command starts, and a running instance answers 503 until the clocks agree. With several instances more than 30 is not safe: one could accept what another has seen used.',
    },
    {
      name: 'STORE_ENCRYPTION',
      realm: 'server',
      schema: is.truthOr('migrate'),
      default: 'false',
      help: 'Encrypts values and names of records in the store with keys that are kept under SECRET_KEY. migrate: while `latchkey secrets seal` or `latchkey secrets unseal` encrypts or decrypts a store that is in use.',
    },
    {
      name: 'BACKUP_KEY',
      realm: 'server',
      schema: is.text,
      secret: true,
      help: 'Encrypts the files of `latchkey backup`. At least 32 characters, and not SECRET_KEY: `openssl rand -base64 48`. Needed by `backup` and `restore` alone.',
    },
    {
      name: 'APPLY_HISTORY',
      realm: 'server',
      schema: is.integer(1, 1000),
      default: '20',
      help: 'How many versions of the configuration file the store keeps, to which `latchkey rollback` can go back.',
    },
    {
      name: 'STORE_TIMEOUT_MS',
      realm: 'server',
      schema: is.integer(10, 60_000),
      default: '1000',
      help: 'Milliseconds after which a store that does not answer counts as down.',
    },
  ],
} as const satisfies Sections
