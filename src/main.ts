#!/usr/bin/env bun
/** The entry point of the command line, and the only file with an effect on import. */

import { processWord } from './cli/pkcs11/protocol.ts'
import { startServer } from './cli/start_server.ts'

const args = process.argv.slice(2)
const words = args.at(-1) === '--' ? args.slice(0, -1) : args // `--` ends the options; after it nothing follows
const serving = words.length === 0 || (words.length === 1 && words[0] === 'serve')

try {
  // Separate from the other commands, so that only the modules of the server are loaded before it is ready.
  if (serving) await startServer()
  else if (args[0] === processWord) await (await import('./cli/pkcs11/process.ts')).serveLibrary()
  else await (await import('./cli/run.ts')).run(args)
} catch (error) {
  const { reportFailure } = await import('./cli/failure.ts')
  process.exit(reportFailure(error))
}
