/** Writes the lines of the log, and bounds what waits in memory while the program that reads them does not. */

/** The part of a stream that is needed. `done` is called when the line has left, or never will. */
export interface LineStream {
  write(line: string, done: () => void): unknown
}

/** Characters. */
export const mostWaiting = 8_388_608

/**
 * While the bound is reached, lines are dropped; `told` makes the line that says how many, which goes before the next one
 * that has a place.
 */
export function lineWriter(stream: LineStream, told: (dropped: number) => string): (line: string) => void {
  let waiting = 0
  let dropped = 0
  const write = (line: string) => {
    const { length } = line
    waiting += length
    stream.write(`${line}\n`, () => void (waiting -= length))
  }
  return (line) => {
    if (waiting + line.length > mostWaiting) {
      dropped++
      return
    }
    if (dropped > 0) write(told(dropped))
    dropped = 0
    write(line)
  }
}
