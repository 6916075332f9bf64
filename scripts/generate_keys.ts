/** Step "generate keys" of docs/walkthrough.md: `latchkey keys generate`. */
import { reportFailure } from '../src/cli/failure.ts'
import { run } from '../src/cli/run.ts'

await run(['keys', 'generate', ...process.argv.slice(2)]).catch((error: unknown) =>
  process.exit(reportFailure(error)),
)
