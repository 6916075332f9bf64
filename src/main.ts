#!/usr/bin/env bun
/** The entry point of the command line, and the only file with an effect on import. */

import { catchHangUps } from './cli/hang_ups.ts'

const args = process.argv.slice(2)
const serving = args.length === 0 || (args.length === 1 && args[0] === 'serve')

try {
  // Separate from the other commands, so that only the modules of the server are loaded before it is ready.
  if (serving) {
    const hangUps = catchHangUps()
    await (await import('./cli/serve.ts')).serve(hangUps)
  } else await (await import('./cli/run.ts')).run(args)
} catch (error) {
  const { reportFailure } = await import('./cli/failure.ts')
  process.exit(reportFailure(error))
}
