/** The commands of realms, for the list of all. */
import type { CommandEntry } from '../command.ts'

const realm = () => import('./realm.ts')

export const realmCommands: readonly CommandEntry[] = [
  {
    name: 'realm add',
    help: 'Make a realm: a provider of its own in this process, at ISSUER_URL/realms/NAME',
    load: async () => (await realm()).add,
  },
  { name: 'realm list', help: 'List the realms', load: async () => (await realm()).list },
  { name: 'realm show', help: 'Show a realm and its settings', load: async () => (await realm()).show },
  {
    name: 'realm set',
    help: 'Change the title, the settings or the end of a realm',
    load: async () => (await realm()).set,
  },
  {
    name: 'realm disable',
    help: 'Answer no request to a realm any more; it keeps all that it has',
    load: async () => (await realm()).disable,
  },
  { name: 'realm enable', help: 'Enable a disabled realm', load: async () => (await realm()).enable },
  {
    name: 'realm remove',
    help: 'Remove a realm with all its people, clients and keys',
    load: async () => (await realm()).remove,
  },
]
