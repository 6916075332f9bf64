/** Writes entries to AUDIT_FILE, one line each. */
import type { Config } from '../../config.ts'
import { causeOf } from '../../config/named_files.ts'
import type { Clock } from '../../lib/clock.ts'
import { endsWithinLine, rotatingFile } from '../../lib/rotating_file.ts'
import { formats } from '../../models/audit/formats/format.ts'
import { type Sink, SinkFailure } from '../../models/audit/stream/stream.ts'
import { version } from '../../version.ts'

/**
 * Opened for each batch: programs that move the file need no signal. A batch is on the disk before the cursor moves; after a
 * crash in between it is written again, and the half of a line that the crash left has a line of its own.
 */
export function fileSink(config: Config, clock: Clock): Sink {
  const { auditFile, auditFileSize: size, auditFileAge: age, auditFileKeep: keep } = config
  const path = auditFile!
  const write = formats[config.auditFileFormat]
  const origin = { issuer: config.issuer, version }
  return {
    name: 'file',
    limits: { entries: 2_000, bytes: 1_000_000 },
    // eslint-disable-next-line @typescript-eslint/require-await
    async send(batch) {
      const file = rotatingFile(path, { size, age, keep }, clock)
      try {
        const lines = batch.map((each) => `${write(each, origin)}\n`).join('')
        file.append(endsWithinLine(path) ? `\n${lines}` : lines)
        file.sync()
      } catch (error) {
        throw new SinkFailure(`${path} cannot be written: ${causeOf(error)}`)
      } finally {
        file.close()
      }
    },
  }
}
