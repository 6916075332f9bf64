/** Starts the server. SIGHUP is caught before the modules of the server are loaded, which takes a while. */
import { catchHangUps } from './hang_ups.ts'
import type { Started } from './serve.ts'

/** `started` says that the server is there, in place of the text of `latchkey serve`. */
export async function startServer(started?: Started): Promise<void> {
  const hangUps = catchHangUps()
  await (await import('./serve.ts')).serve(hangUps, started)
}
