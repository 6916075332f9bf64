/** Bounds how much work runs and waits at once, and refuses more. Lanes divide the capacity fairly between keys. */

export interface Limits {
  /** Running work, in total. */
  atOnce: number
  /** Waiting work, in total. */
  waiting: number
  /** Bounds of one lane, so that a slow host or address does not delay the others. */
  lane?: { atOnce: number; waiting: number }
  /** The error for work beyond these bounds. */
  refusal(): Error
}

export interface RunOptions {
  lane?: string
  /** When it aborts, work that still waits leaves the queue and rejects with the reason. */
  signal?: AbortSignal
}

export interface Limiter {
  /** Starts `work` now or later: in a lane in the order of arrival, and the lanes take turns. */
  run<T>(work: () => T | Promise<T>, options?: RunOptions): Promise<T>
  waiting(): number
}

interface Lane {
  key: string
  running: number
  /** Functions that start waiting work, in the order of arrival. A Set, so that removal needs no search. */
  line: Set<() => void>
}

/** Each step takes constant time, however much work waits. */
export function createLimiter({ atOnce, waiting: mostWaiting, lane: ofLane, refusal }: Limits): Limiter {
  const lanes = new Map<string, Lane>()
  /** Lanes with waiting work that are below their own bound. */
  const ready = new Set<Lane>()
  let running = 0
  let waiting = 0
  const eachAtOnce = ofLane?.atOnce ?? atOnce
  const eachWaiting = ofLane?.waiting ?? mostWaiting

  function laneOf(key: string): Lane {
    let lane = lanes.get(key)
    if (!lane) lanes.set(key, (lane = { key, running: 0, line: new Set() }))
    return lane
  }

  function settle(lane: Lane): void {
    if (lane.line.size > 0 && lane.running < eachAtOnce) ready.add(lane)
    else ready.delete(lane)
    if (lane.line.size === 0 && lane.running === 0) lanes.delete(lane.key)
  }

  function enter(lane: Lane): void {
    running++
    lane.running++
  }

  /** Starts waiting work in the same step, so that work that arrives now does not overtake it. */
  function leave(lane: Lane): void {
    running--
    lane.running--
    settle(lane)
    while (running < atOnce) {
      const [next] = ready
      if (!next) return
      const [start] = next.line
      ready.delete(next) // `settle` adds it again at the end, so that lanes take turns
      enter(next)
      start!()
      settle(next)
    }
  }

  function waitFor(lane: Lane, signal: AbortSignal | undefined): Promise<void> {
    waiting++
    return new Promise((resolve, reject) => {
      const quit = () => {
        waiting--
        lane.line.delete(start)
        signal?.removeEventListener('abort', abandon)
      }
      const start = () => (quit(), resolve())
      const abandon = () => (quit(), settle(lane), reject(signal?.reason as Error))
      lane.line.add(start)
      settle(lane)
      signal?.addEventListener('abort', abandon, { once: true })
    })
  }

  async function runThenLeave<T>(lane: Lane, work: () => T | Promise<T>): Promise<T> {
    try {
      return await work()
    } finally {
      leave(lane)
    }
  }

  return {
    waiting: () => waiting,
    run(work, { lane: key = '', signal } = {}) {
      if (signal?.aborted) return Promise.reject(signal.reason as Error)
      const lane = laneOf(key)
      if (running < atOnce && lane.running < eachAtOnce) {
        enter(lane)
        return runThenLeave(lane, work)
      }
      if (waiting >= mostWaiting || lane.line.size >= eachWaiting) {
        settle(lane)
        return Promise.reject(refusal())
      }
      return waitFor(lane, signal).then(() => runThenLeave(lane, work))
    },
  }
}

/** The same bounds, with lanes that no other `owner` has. */
export const ownLanes = ({ run, waiting }: Limiter, owner: string): Limiter => ({
  waiting,
  run: (work, { lane = '', ...options } = {}) => run(work, { ...options, lane: `${owner} ${lane}` }),
})
