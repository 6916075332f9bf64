/** Starts the server. SIGHUP is caught before the modules of the server are loaded, which takes a while. */
import { catchHangUps } from './hang_ups.ts'

export async function startServer(): Promise<void> {
  const hangUps = catchHangUps()
  await (await import('./serve.ts')).serve(hangUps)
}
