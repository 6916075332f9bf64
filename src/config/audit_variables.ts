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

/** A collector of syslog: TLS, or TCP without it. */
export interface SyslogServer {
  secure: boolean
  host: string
  port: number
}

/** RFC 5425 §4.1. */
const syslogPort = 6514

const syslogUrl = described(
  'tls://HOST (port 6514 by default), or tcp://HOST:PORT; udp:// has no acknowledgement, so that entries would be lost',
  (text): SyslogServer | undefined => {
    const [, scheme, , , port] =
      /^(tls|tcp):\/\/(\[[0-9a-f:.]+\]|([\w-]+\.)*[\w-]+)(?::(\d{1,5}))?\/?$/i.exec(text) ?? []
    const url = scheme === undefined ? null : URL.parse(text.replace(/^\w+/, 'https'))
    const number = Number(port ?? (scheme?.toLowerCase() === 'tls' ? syslogPort : 0))
    if (!url || number < 1 || number > 65_535) return undefined
    const host = url.hostname.replace(/^\[(.*)\]$/, '$1')
    return { secure: scheme!.toLowerCase() === 'tls', host, port: number }
  },
)

const format = is.oneOf('json', 'ocsf', 'ecs')
const formatHelp =
  'Format of each entry: `json` as in the store, `ocsf` (Open Cybersecurity Schema Framework) or `ecs` (Elastic Common Schema).'

export const auditSections = {
  'Audit trail': [
    {
      name: 'AUDIT_SIGNING_KEY',
      realm: 'server',
      schema: signingKeys,
      secret: true,
      help: 'Turns the audit trail on: its entries carry an HMAC by this key (docs/audit.md). Several values, separated by spaces: the first signs, the others verify what they signed.',
    },
    {
      name: 'AUDIT_CHAIN',
      realm: 'server',
      schema: chainName,
      needs: 'AUDIT_SIGNING_KEY',
      computed: 'the host name',
      help: 'Name of the chain of this instance. It stays the same when the instance restarts. Commands write to the chain of that name with `.cli`, and without this variable all to one, `commands.cli`. Each checkpoint has the position of all chains: where names change, as those of pods do, set one that stays.',
    },
    {
      name: 'AUDIT_SYSLOG_URL',
      realm: 'default',
      schema: syslogUrl,
      needs: 'AUDIT_SIGNING_KEY',
      help: 'A collector to which entries are sent as syslog: `tls://collector.example` (RFC 5424, RFC 5425). `tcp://` is without encryption, and for a collector on this machine.',
    },
    {
      name: 'AUDIT_SYSLOG_CA_PATH',
      realm: 'default',
      schema: is.path,
      needs: 'AUDIT_SYSLOG_URL',
      computed: 'the authorities of the runtime',
      help: 'The certificate authorities of the collector, as PEM.',
    },
    {
      name: 'AUDIT_SYSLOG_CERT_PATH',
      realm: 'default',
      schema: is.path,
      needs: 'AUDIT_SYSLOG_KEY_PATH',
      help: 'The certificate by which this provider proves itself to the collector, as PEM.',
    },
    {
      name: 'AUDIT_SYSLOG_KEY_PATH',
      realm: 'default',
      schema: is.path,
      needs: 'AUDIT_SYSLOG_CERT_PATH',
      help: 'The private key of AUDIT_SYSLOG_CERT_PATH.',
    },
    {
      name: 'AUDIT_SYSLOG_PLAINTEXT',
      realm: 'default',
      schema: is.boolean,
      default: 'false',
      help: 'Allows `tcp://` to another machine. Each machine on the way then reads the entries, and can change them.',
    },
    { name: 'AUDIT_SYSLOG_FORMAT', realm: 'default', schema: format, default: 'json', help: formatHelp },
    {
      name: 'AUDIT_WEBHOOK_URL',
      realm: 'default',
      schema: is.webUrl,
      secret: true,
      outbound: is.urlsIn,
      needs: 'AUDIT_WEBHOOK_SECRET',
      help: 'An https URL to which entries are posted in batches, signed as Standard Webhooks says. It is a secret, because services put one into it.',
    },
    {
      name: 'AUDIT_WEBHOOK_SECRET',
      realm: 'default',
      schema: signingKeys,
      secret: true,
      help: 'Signs what is posted to AUDIT_WEBHOOK_URL (HMAC-SHA-256). Several values, separated by spaces: each makes a signature, so that the receiver can change over.',
    },
    { name: 'AUDIT_WEBHOOK_FORMAT', realm: 'default', schema: format, default: 'json', help: formatHelp },
    {
      name: 'AUDIT_FILE',
      realm: 'default',
      schema: is.path,
      needs: 'AUDIT_SIGNING_KEY',
      help: 'A file to which entries are written, one line each. Of several instances one writes at a time, to the file of its own machine.',
    },
    {
      name: 'AUDIT_FILE_SIZE',
      realm: 'default',
      schema: is.integer(1_000_000, 100_000_000_000),
      default: '100000000',
      help: 'Bytes beyond which AUDIT_FILE becomes `AUDIT_FILE.1` and a new one begins.',
    },
    {
      name: 'AUDIT_FILE_AGE',
      realm: 'default',
      schema: is.seconds(0, 31_536_000),
      default: '86400',
      help: 'Age at which AUDIT_FILE becomes `AUDIT_FILE.1`; 0 for any age.',
    },
    {
      name: 'AUDIT_FILE_KEEP',
      realm: 'default',
      schema: is.integer(1, 10_000),
      default: '14',
      help: 'How many older files are kept.',
    },
    { name: 'AUDIT_FILE_FORMAT', realm: 'default', schema: format, default: 'json', help: formatHelp },
    {
      name: 'AUDIT_STREAM_HOLD',
      realm: 'server',
      schema: is.integer(0, 3650),
      default: '30',
      help: 'Days for which entries are kept beyond AUDIT_RETENTION while a stream (syslog, webhook, file) has not sent them. Then they are dropped, and `entries_dropped` says so.',
    },
    {
      name: 'AUDIT_CHECKPOINT_INTERVAL',
      realm: 'server',
      schema: is.seconds(1, 3600),
      default: '60',
      help: 'How often a checkpoint signs what is new in the audit trail. Until then an entry is protected by its HMAC alone.',
    },
  ],
} as const satisfies Sections
