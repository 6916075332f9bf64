/** The walkthrough's step "generate JWKS": `latchkey jwks`. docs/walkthrough.md */
import { reportFailure } from '../src/cli/failure.ts'
import { run } from '../src/cli/run.ts'

await run(['jwks', ...process.argv.slice(2)]).catch((error: unknown) => process.exit(reportFailure(error)))
