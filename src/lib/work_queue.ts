/** A few jobs at a time, a bounded number waiting, and an honest refusal for the rest. */

export interface WorkQueue {
  /** Runs `job` when its turn comes; undefined at once when the queue is full. */
  run<T>(job: () => Promise<T>): Promise<T> | undefined
  waiting(): number
}

export function workQueue(concurrency: number, limit: number): WorkQueue {
  const waiting: (() => void)[] = []
  let running = 0
  let head = 0
  const length = () => waiting.length - head

  /** The turn passes straight to the next in line, so that nobody slips in between. */
  const passOn = () => {
    const start = waiting[head]
    if (!start) {
      running--
      return
    }
    if (++head > 1024) (waiting.splice(0, head), (head = 0))
    start()
  }

  async function work<T>(job: () => Promise<T>): Promise<T> {
    try {
      return await job()
    } finally {
      passOn()
    }
  }

  return {
    waiting: length,
    run(job) {
      if (running < concurrency) {
        running++
        return work(job)
      }
      if (length() >= limit) return undefined
      return new Promise<void>((resolve) => waiting.push(resolve)).then(() => work(job))
    },
  }
}
