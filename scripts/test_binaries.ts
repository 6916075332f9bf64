/** `bun scripts/test_binaries.ts FOLDER`: makes the binaries that tests start, from these sources. tests/support/latchkey_command.ts */
import { join } from 'node:path'
import { buildBinary } from './build.ts'

const [folder] = process.argv.slice(2)
if (folder === undefined) throw new Error('usage: bun scripts/test_binaries.ts FOLDER')
await buildBinary({ outfile: join(folder, 'latchkey') })
await buildBinary({ outfile: join(folder, 'latchkey_as_source'), commit: 'source' })
