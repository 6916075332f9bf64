/** Catches SIGHUP from the first line of `serve` on, so that it never ends the process. */

export interface HangUps {
  /** Calls `run` at each SIGHUP from now on, and at once if one has come already. */
  each(run: () => void): void
}

export function catchHangUps(): HangUps {
  let came = false
  let run: () => void = () => {
    came = true
  }
  process.on('SIGHUP', () => run())
  return {
    each(next) {
      run = next
      if (came) next()
    },
  }
}
