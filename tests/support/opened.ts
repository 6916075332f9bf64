/** The store of a provider or of commands, opened a second time, as another process has it. */
import { createContext } from '../../src/app.ts'
import { open, openKeys, readConfig } from '../../src/cli/open.ts'
import type { Context } from '../../src/contracts/context.ts'
import { systemRandom } from '../../src/lib/random.ts'

export async function openContext(
  env: Record<string, string>,
): Promise<{ context: Context; close(): Promise<void> }> {
  const opened = await open(readConfig({ LOG_LEVEL: 'error', NODE_ENV: 'development', ...env }))
  const keys = await openKeys(opened)
  return {
    context: createContext({ ...opened, keys, random: systemRandom }),
    close: () => opened.store.close(),
  }
}
