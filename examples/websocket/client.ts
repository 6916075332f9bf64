/** What an operator registers for this application, in the form of docs/configuration_files.md. */
import { clientAt as webAppAt } from '../web_app/client.ts'

export const clientAt = (origin: string, key: object) => ({
  ...webAppAt(origin, key),
  client_id: 'live',
  client_name: 'Live',
  scope: 'openid profile email offline_access read:live',
})
