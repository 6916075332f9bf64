/** The interactive client of docs/walkthrough.md: `bun scripts/test_client.ts`, against a running provider. */
import { optionsHelp, usage } from '../src/cli/command.ts'
import { reportFailure } from '../src/cli/failure.ts'
import { print } from '../src/cli/output.ts'
import { testClient } from '../src/cli/test_client.ts'

const name = 'bun scripts/test_client.ts'
const args = process.argv.slice(2)

if (args.includes('--help')) print(`${usage(name, testClient)}\n\n${optionsHelp(testClient)}`)
else await testClient.start(name, args).catch((error: unknown) => process.exit(reportFailure(error)))
