/** A store full of live sessions and tokens, written the way the provider writes them. Run alone: bytes per record. */
import { systemClock } from '../src/lib/clock.ts'
import { createLog } from '../src/lib/log.ts'
import { systemRandom } from '../src/lib/random.ts'
import { AccessToken } from '../src/models/access_token.ts'
import type { Memory } from '../src/models/define_record.ts'
import { Session } from '../src/models/session.ts'
import { memoryStore } from '../src/store/memory.ts'

const lifetimes = { idle: 3600, absolute: 86_400 }

/** One person signs in: one session, each of its own user, as a million users would have. */
export async function fillSessions(memory: Memory, count: number): Promise<void> {
  for (let i = 0; i < count; i++)
    await Session.begin(
      memory,
      systemRandom,
      { sub: systemRandom(15), acr: 'urn:mace:incommon:iap:silver', amr: ['pwd'] },
      lifetimes,
    )
}

/** Opaque access tokens of client_credentials, good for an hour. */
export async function fillTokens(memory: Memory, count: number): Promise<void> {
  const iat = Math.floor(memory.clock.now() / 1000)
  for (let i = 0; i < count; i++)
    await AccessToken.put(memory, systemRandom(33), {
      client_id: 'bench',
      sub: 'bench',
      scope: 'openid profile email',
      aud: 'http://localhost:5000',
      iat,
      exp: iat + 3600,
    })
}

if (import.meta.main) {
  const count = Number(Bun.argv[2] ?? 500_000)
  const memory: Memory = {
    store: memoryStore(systemClock),
    clock: systemClock,
    log: createLog('error', 'text', console.error),
  }
  const resident = () => {
    Bun.gc(true)
    return process.memoryUsage().rss
  }
  const empty = resident()
  await fillSessions(memory, count)
  const sessions = resident()
  await fillTokens(memory, count)
  const both = resident()
  console.log(
    JSON.stringify({
      count,
      session: (sessions - empty) / count,
      token: (both - sessions) / count,
      resident: both,
    }),
  )
  await memory.store.close()
}
