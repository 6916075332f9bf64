/** Step "generate JWKS" of docs/walkthrough.md: `latchkey jwks`. */
import { reportFailure } from '../src/cli/failure.ts'
import { run } from '../src/cli/run.ts'

await run(['jwks', ...process.argv.slice(2)]).catch((error: unknown) => process.exit(reportFailure(error)))
