/** The queue of sign-ins: each computes a hash that takes a processor and 19 MiB for a moment. docs/realms.md */
import type { Context } from '../contracts/context.ts'
import { createLimiter, type Limiter } from '../lib/limiter.ts'
import { signInBusy } from './password.ts'

/**
 * A realm has no more in the queue of the server than run at once, in a lane of its own. Further ones wait in a queue of the
 * realm, so that a flood of sign-ins there neither fills the queue of the server nor comes before those of others.
 */
export function signInQueueOf(
  { config, realm }: Pick<Context, 'config' | 'realm'>,
  shared: Limiter | undefined,
): Limiter {
  const own = createLimiter({
    atOnce: config.signInConcurrency,
    waiting: config.signInQueue,
    refusal: signInBusy,
  })
  if (!shared || !realm) return own
  return {
    waiting: own.waiting,
    run: (work, options) => own.run(() => shared.run(work, { ...options, lane: realm.id }), options),
  }
}
