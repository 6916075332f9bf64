#!/usr/bin/env bun
/** The command line: the only file that does something when it is imported. */

const args = process.argv.slice(2)
const serving = args.length === 0 || (args.length === 1 && args[0] === 'serve')

try {
  // Apart from the other commands, so that nothing but its own modules loads before it answers.
  if (serving) await (await import('./cli/serve.ts')).serve()
  else await (await import('./cli/run.ts')).run(args)
} catch (error) {
  const { reportFailure } = await import('./cli/failure.ts')
  process.exit(reportFailure(error))
}
