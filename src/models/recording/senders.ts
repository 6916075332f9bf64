/** Which party of a flow sends requests to an endpoint, for its diagram. */
import type { Sender } from './recorded.ts'

const senders: Readonly<Record<string, Sender>> = {
  introspection: 'api',
  device_verification: 'device',
  approvals: 'device',
}

/** A page is opened by the browser; every other endpoint is called by the client. */
export const senderOf = ({ name, page }: { name: string; page: boolean }): Sender =>
  senders[name] ?? (page ? 'browser' : 'client')
