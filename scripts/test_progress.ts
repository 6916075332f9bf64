/** Counts results and prints progress: failures at once, and how many files are done. */
import type { Outcome } from './test_run.ts'

export interface Progress {
  finished(outcome: Outcome): void
  total(): { passed: number; failed: number }
}

/** `write` writes to a terminal, where one line is replaced, or to a log, which gets a line at each tenth part. */
export function progress(files: number, terminal: boolean, write: (text: string) => void): Progress {
  let [done, passed, failed, tenths] = [0, 0, 0, 0]
  const line = () => `${done} of ${files} files, ${passed} passed, ${failed} failed`
  const clear = terminal ? '\r\x1b[K' : ''
  return {
    finished(outcome) {
      done += outcome.files.length
      passed += outcome.passed
      failed += outcome.failed
      const tenth = Math.floor((10 * done) / files)
      write(clear)
      if (outcome.problems) write(`\n${outcome.problems}\n`)
      if (terminal) write(done < files ? line() : `${line()}\n`)
      else if (tenth > tenths || outcome.problems) write(`${line()}\n`)
      tenths = tenth
    },
    total: () => ({ passed, failed }),
  }
}
