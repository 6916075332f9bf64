/** What the settings of a PostgreSQL can lose. https://www.postgresql.org/docs/current/runtime-config-wal.html */
import type { PostgresPool } from './postgres_pool.ts'
import type { Concern } from './store.ts'

interface Settings {
  fsync: string
  full_page_writes: string
  synchronous_commit: string
  synchronous_standby_names: string
  replicas: number
  superuser: boolean
}

const question = `SELECT current_setting('fsync') AS fsync, current_setting('full_page_writes') AS full_page_writes,
  current_setting('synchronous_commit') AS synchronous_commit,
  current_setting('synchronous_standby_names') AS synchronous_standby_names,
  (SELECT count(*)::int FROM pg_stat_replication) AS replicas,
  current_setting('is_superuser') = 'on' AS superuser`

/** The concerns of a server with these settings. */
export function concernsOf(settings: Settings): Concern[] {
  const losses = [
    settings.fsync === 'off' && 'fsync is off: a crash of the machine can damage all data. Set it to on',
    settings.full_page_writes === 'off' &&
      'full_page_writes is off: a crash of the machine can damage pages. Set it to on, unless the file system writes whole pages',
    settings.synchronous_commit === 'off' &&
      'synchronous_commit is off: a crash of the server forgets the last acknowledged writes, such as redeemed codes and revoked tokens. Set it to on',
    settings.replicas > 0 &&
      (settings.synchronous_standby_names === '' || settings.synchronous_commit === 'local') &&
      `no replica confirms a commit, with ${settings.replicas === 1 ? 'a replica' : `${settings.replicas} replicas`}: a failover loses the last acknowledged writes. Set synchronous_standby_names`,
  ]
  const rights: Concern[] = settings.superuser
    ? [{ name: 'superuser', text: 'the user of STORE_URL is a superuser of PostgreSQL' }]
    : []
  return [
    ...losses.filter((text) => text !== false).map((text): Concern => ({ name: 'may_lose_writes', text })),
    ...rights,
  ]
}

export async function settingsConcerns(pool: PostgresPool): Promise<Concern[]> {
  const [settings] = await pool.ask<Settings>(question)
  return settings ? concernsOf(settings) : []
}
