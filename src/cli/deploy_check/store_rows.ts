/** Checks before going live of what the store has and how its server is set. */
import { recordName, parseDocument } from '../../models/signing_keys.ts'
import {
  demoClient,
  demoDeviceClient,
  demoPublicClient,
  demoServiceClient,
  demoUsers,
} from '../../models/demo.ts'
import { LastBackup } from '../../models/last_backup.ts'
import { hasData } from '../../models/birth.ts'
import type { Concern } from '../../store/store.ts'
import type { Row, Sight } from './row.ts'

const day = 86_400
/** Two days: one daily backup that failed is no alarm, a second one is. */
const oldBackup = 2 * day
const oldKey = 400 * day

const said =
  (...names: readonly Concern['name'][]) =>
  ({ concerns }: Sight): string[] =>
    concerns.filter(({ name }) => names.includes(name)).map(({ text }) => text)

const daysSince = (seconds: number, { now }: Sight): number => Math.floor((now / 1000 - seconds) / day)

export const storeRows: readonly Row[] = [
  {
    name: 'demo_data',
    level: 'error',
    expected: 'no account or client whose password is public',
    mend: 'latchkey user remove NAME, latchkey client remove ID; or begin with another store',
    link: 'deployment.md#the-least-that-is-needed',
    source: 'ASVS 13.2.3, 13.4.2',
    async find({ store }) {
      if (!store) return undefined
      const keys = [
        ...demoUsers.map(({ sub }) => `user:${sub}`),
        ...[demoClient, demoPublicClient, demoDeviceClient, demoServiceClient].map(
          ({ client_id }) => `client:${client_id}`,
        ),
      ]
      const found = await Promise.all(keys.map(async (key) => ((await store.get(key)) ? [key] : [])))
      const names = found.flat()
      return names.length > 0 ? `of development: ${names.join(', ').replaceAll(':', ' ')}` : undefined
    },
  },
  {
    name: 'store_evicts',
    level: 'error',
    expected: 'a Redis that deletes nothing before its time',
    mend: 'set maxmemory-policy noeviction, and remove REDIS_EVICTION',
    link: 'deployment.md#the-store',
    source: 'ASVS 13.1.3',
    find: said('evicts'),
  },
  {
    name: 'store_loses_writes',
    level: 'warning',
    expected: 'a store that keeps what it has acknowledged',
    mend: 'set what the line names',
    link: 'deployment.md#the-store',
    source: 'ASVS 13.1.3',
    find: said('may_lose_writes'),
  },
  {
    name: 'store_on_disk',
    level: 'note',
    expected: 'a Redis that writes each change to its disk',
    mend: 'set appendonly yes, where a crash of Redis may not forget the last minutes',
    link: 'deployment.md#the-store',
    source: 'ASVS 13.1.3',
    find: said('not_on_disk'),
  },
  {
    name: 'store_settings',
    level: 'note',
    expected: 'settings of Redis that can be looked at',
    mend: 'add +info to the rules of the user',
    link: 'deployment.md#the-store',
    source: 'ASVS 13.1.3',
    find: said('unknown_settings'),
  },
  {
    name: 'store_user',
    level: 'warning',
    expected: 'a user that has the rights which Latchkey needs, and no others',
    mend: 'make a user of its own, with the rules that the page names',
    link: 'deployment.md#the-store',
    source: 'ASVS 13.2.2; hardening plan, Database Security',
    find: said('superuser'),
  },
  {
    name: 'store_rights',
    level: 'note',
    expected: 'a user of Redis that has the rights which Latchkey needs, and no others',
    mend: 'make a user of its own, with the rules that the page names',
    link: 'deployment.md#the-store',
    source: 'ASVS 13.2.2; hardening plan, Redis Security',
    find: said('every_right'),
  },
  {
    name: 'backup_taken',
    level: 'warning',
    expected: 'a backup of the last two days, because BACKUP_KEY is set',
    mend: 'let a timer run latchkey backup',
    link: 'operations.md#backup',
    source: 'hardening plan, Data Protection',
    async find(sight) {
      const { store, config, now } = sight
      if (!store || config.backupKey === undefined || !(await hasData(store))) return undefined
      const memory = { store, clock: { now: () => now }, log: sight.log }
      const last = await LastBackup.find(memory)
      if (!last) return 'no backup by latchkey backup'
      return now / 1000 - last.made_at > oldBackup
        ? `the last backup is ${daysSince(last.made_at, sight)} days old`
        : undefined
    },
  },
  {
    name: 'key_age',
    level: 'warning',
    expected: 'signing keys of at most 400 days',
    mend: 'latchkey keys rotate, or set KEY_ROTATION_INTERVAL',
    link: 'deployment.md#signing-keys',
    source: 'ASVS 13.3.4',
    async find(sight) {
      const text = await sight.store?.get(recordName)
      if (text === undefined) return undefined
      return parseDocument(text)
        .keys.filter(
          ({ created_at, retires_at }) => retires_at === undefined && sight.now / 1000 - created_at > oldKey,
        )
        .map(
          ({ kid, alg, created_at }) => `the ${alg} key ${kid} is ${daysSince(created_at, sight)} days old`,
        )
    },
  },
]
