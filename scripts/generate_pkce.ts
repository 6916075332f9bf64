/** Step "generate PKCE values" of docs/walkthrough.md: `latchkey pkce`. */
import { reportFailure } from '../src/cli/failure.ts'
import { run } from '../src/cli/run.ts'

await run(['pkce', ...process.argv.slice(2)]).catch((error: unknown) => process.exit(reportFailure(error)))
