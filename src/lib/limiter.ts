/** Limits work: so much at once, so much waiting, and the rest is refused at once. Lanes share it fairly between keys. */

export interface Limits {
  /** At once, in all. */
  atOnce: number
  /** Waiting, in all. */
  waiting: number
  /** Bounds of one lane, so that a slow host or address does not hold up the others. */
  lane?: { atOnce: number; waiting: number }
  /** What work beyond these bounds is refused with. */
  refusal(): Error
}

export interface RunOptions {
  lane?: string
  /** Work that still waits when it comes leaves the line and rejects with its reason. */
  signal?: AbortSignal
}

export interface Limiter {
  /** Starts `work` now or in its turn: first come, first served in a lane, and the lanes in turn. */
  run<T>(work: () => T | Promise<T>, options?: RunOptions): Promise<T>
  waiting(): number
}

interface Lane {
  key: string
  running: number
  /** Functions that start what waits, in the order of arrival. Leaving the line early costs no search. */
  line: Set<() => void>
}

/** Each step costs the same, however many wait. */
export function createLimiter({ atOnce, waiting: mostWaiting, lane: ofLane, refusal }: Limits): Limiter {
  const lanes = new Map<string, Lane>()
  /** Lanes in which work waits although the lane itself has room. */
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

  /** The place passes straight to what waits, so that work that arrives now does not overtake it. */
  function leave(lane: Lane): void {
    running--
    lane.running--
    settle(lane)
    while (running < atOnce) {
      const [next] = ready
      if (!next) return
      const [start] = next.line
      ready.delete(next) // and to the end again: lanes take turns
      enter(next)
      start!()
      settle(next)
    }
  }

  function place(lane: Lane, signal: AbortSignal | undefined): Promise<void> {
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

  async function inPlace<T>(lane: Lane, work: () => T | Promise<T>): Promise<T> {
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
        return inPlace(lane, work)
      }
      if (waiting >= mostWaiting || lane.line.size >= eachWaiting) {
        settle(lane)
        return Promise.reject(refusal())
      }
      return place(lane, signal).then(() => inPlace(lane, work))
    },
  }
}
