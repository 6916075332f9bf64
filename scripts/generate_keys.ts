/** The walkthrough's step "generate keys": `latchkey keys generate`. docs/walkthrough.md */
import { reportFailure } from '../src/cli/failure.ts'
import { run } from '../src/cli/run.ts'

await run(['keys', 'generate', ...process.argv.slice(2)]).catch((error: unknown) =>
  process.exit(reportFailure(error)),
)
