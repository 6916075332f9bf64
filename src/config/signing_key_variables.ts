/** Variables of signing keys: where they are, their size, their rotation. */
import type { Sections } from './entry.ts'
import * as is from './schemas.ts'

const year = 31_536_000

export const signingKeySections = {
  'Signing keys': [
    {
      name: 'KEYS_PATH',
      realm: 'server',
      schema: is.path,
      default: 'keys',
      help: 'Folder of signing keys, with the memory store. Every other store keeps the keys itself.',
    },
    {
      name: 'PRIVATE_KEY_PATH',
      realm: 'default',
      schema: is.path,
      computed: { development: '`private.pem` in `KEYS_PATH`' },
      help: 'An RSA private key (PEM) of your own to sign with: for RS256, or for PS256 if SIGNING_ALGS lacks RS256.',
    },
    {
      name: 'PUBLIC_KEY_PATH',
      realm: 'default',
      schema: is.path,
      computed: { development: '`public.pem` in `KEYS_PATH`' },
      help: 'The public key (PEM) that belongs to it.',
    },
    {
      name: 'RSA_KEY_SIZE',
      realm: 'own_or_server',
      schema: is.oneOf('2048', '3072', '4096'),
      default: '2048',
      help: 'Bits of a new RSA key. A larger key takes effect with the next rotation; a signature of 4096 bits costs about six times the CPU time of one of 2048.',
    },
    {
      name: 'KEY_ACTIVATION_DELAY',
      realm: 'own_or_server',
      schema: is.seconds(0, year),
      default: '600',
      help: 'How long a new key is published before it signs.',
    },
    {
      name: 'KEY_ROTATION_INTERVAL',
      realm: 'own_or_server',
      schema: is.seconds(0, 10 * year),
      default: { development: '0', production: '7776000' },
      help: 'Age at which a signing or encryption key gets a successor by itself; 0: only latchkey keys rotate makes one. More than KEY_ACTIVATION_DELAY and JWKS_MAX_AGE together. A key of PRIVATE_KEY_PATH stays until you replace it.',
    },
    {
      name: 'SIGNING_KEY_SOURCES',
      realm: 'default',
      schema: is.keySources,
      default: '',
      help: 'Signing keys that stay at a service, by algorithm: `vault-transit:MOUNT/KEY`, `awskms:ARN`, `awskms:alias/NAME` or a `pkcs11:` URI (RFC 7512) with `module-path`. Keys of other algorithms are made here.',
    },
    {
      name: 'PKCS11_PIN',
      realm: 'default',
      schema: is.text,
      secret: true,
      help: 'The PIN of the user of the token that a `pkcs11:` URI names.',
    },
    {
      name: 'JWKS_MAX_AGE',
      realm: 'own_or_server',
      schema: is.seconds(0, year),
      default: '300',
      help: 'How long clients may cache the JWKS and the metadata. At most KEY_ACTIVATION_DELAY less 5 seconds, in which other instances learn of a new key.',
    },
  ],
} as const satisfies Sections
