/** Variables of the places where secrets may be kept: how HashiCorp Vault or OpenBao is reached, and how often all places are asked. */
import { defineEntries } from './entry.ts'
import * as is from './schemas.ts'

/** The names are those of Vault's own tools where they have one. https://developer.hashicorp.com/vault/docs/commands#environment-variables */
export const secretSourceEntries = defineEntries([
  {
    name: 'SECRETS_REFRESH',
    realm: 'server',
    schema: is.seconds(0, 86_400),
    default: '300',
    help: 'How often the server reads again the secrets that are kept in Vault, AWS, Google Cloud or a command. 0: only at SIGHUP.',
  },
  {
    name: 'SECRETS_TIMEOUT_MS',
    realm: 'server',
    schema: is.integer(100, 60_000),
    default: '5000',
    help: 'Milliseconds for one answer of such a place.',
  },
  {
    name: 'VAULT_ADDR',
    realm: 'server',
    schema: is.webUrl,
    help: 'HashiCorp Vault or OpenBao, such as https://vault.internal:8200. https unless on loopback.',
  },
  {
    name: 'VAULT_TOKEN',
    realm: 'server',
    schema: is.text,
    secret: true,
    help: 'A token of Vault. Where it is renewable it is renewed. Without it: VAULT_ROLE_ID or VAULT_KUBERNETES_ROLE.',
  },
  {
    name: 'VAULT_ROLE_ID',
    realm: 'server',
    schema: is.text,
    needs: 'VAULT_SECRET_ID',
    help: 'The role id for the AppRole method.',
  },
  {
    name: 'VAULT_SECRET_ID',
    realm: 'server',
    schema: is.text,
    secret: true,
    help: 'The secret id for the AppRole method.',
  },
  {
    name: 'VAULT_KUBERNETES_ROLE',
    realm: 'server',
    schema: is.text,
    help: 'The role for the Kubernetes method, with the token of the service account.',
  },
  {
    name: 'VAULT_KUBERNETES_TOKEN_PATH',
    realm: 'server',
    schema: is.path,
    default: '/var/run/secrets/kubernetes.io/serviceaccount/token',
    help: 'The file with that token.',
  },
  {
    name: 'VAULT_AUTH_MOUNT',
    realm: 'server',
    schema: is.text,
    help: 'Where the method is mounted, if not at `approle` or `kubernetes`.',
  },
  {
    name: 'VAULT_NAMESPACE',
    realm: 'server',
    schema: is.text,
    help: 'The namespace of Vault Enterprise or OpenBao.',
  },
  {
    name: 'VAULT_CACERT',
    realm: 'server',
    schema: is.path,
    help: 'Certificates (PEM) of the authority that signed the certificate of Vault.',
  },
])

export const secretSourceSections = { 'Where secrets are': secretSourceEntries } as const
