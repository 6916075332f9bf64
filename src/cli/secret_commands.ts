/** The commands of what is sealed under SECRET_KEY. */
import type { CommandEntry } from './command.ts'

export const secretCommands: readonly CommandEntry[] = [
  {
    name: 'secrets reseal',
    help: 'Seal with the first value of SECRET_KEY what a former one has sealed',
    load: async () => (await import('./secrets_reseal.ts')).reseal,
  },
  {
    name: 'secrets seal',
    help: 'Encrypt a store that is in use; every server has STORE_ENCRYPTION=migrate, and goes on',
    load: async () => (await import('./secrets_seal.ts')).seal,
  },
  {
    name: 'secrets unseal',
    help: 'Decrypt a store that is in use; every server has STORE_ENCRYPTION=migrate, and goes on',
    load: async () => (await import('./secrets_seal.ts')).unseal,
  },
]
