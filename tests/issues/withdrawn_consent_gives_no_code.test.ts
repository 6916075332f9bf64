/** An authorization request waits at each verb of the store in turn, while the End-User withdraws the consent that it has read. Decision 48 */
import { expect, test } from 'bun:test'
import { withdrawAccess } from '../../src/people/withdraw_access.ts'
import { memoryStore } from '../../src/store/memory.ts'
import { authorizationUrl } from '../support/client.ts'
import { browser, demo, redeem, tokensOf } from '../support/flow.ts'
import { pausingStore } from '../support/odd_stores.ts'
import { provider, turnableClock } from '../support/provider.ts'

test('a silent renewal that is under way at a withdrawal gives no tokens', async () => {
  const survivors: number[] = []
  for (let verbs = 0; ; verbs++) {
    const clock = turnableClock()
    const pausing = pausingStore(memoryStore(clock))
    const op = await provider({ store: pausing.store, clock })
    const who = browser(op)
    await tokensOf(op, who)
    const { url, code_verifier } = authorizationUrl(op.issuer, demo, { prompt: 'none' })
    const { paused, go } = pausing.pauseAfter(verbs)
    const acting = who.open(url)
    const isPaused = await Promise.race([paused.then(() => true), acting.then(() => false)])
    if (isPaused) await withdrawAccess(op.context, 'user-alice', demo.client_id)
    go()
    const code = (await acting).location?.searchParams.get('code')
    if (!isPaused) break
    if (code && (await redeem(op, demo, { code, code_verifier })).status === 200) survivors.push(verbs)
  }
  expect(survivors).toEqual([])
})
