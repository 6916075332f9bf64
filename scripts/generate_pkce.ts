/** The walkthrough's step "generate PKCE values": `latchkey pkce`. docs/walkthrough.md */
import { reportFailure } from '../src/cli/failure.ts'
import { run } from '../src/cli/run.ts'

await run(['pkce', ...process.argv.slice(2)]).catch((error: unknown) => process.exit(reportFailure(error)))
