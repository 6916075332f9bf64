/** The text that `latchkey serve` prints at its start. */
import type { Config } from '../config.ts'
import { accountPath } from '../html/account_parts.ts'
import { firstCurl, mailsShownAt } from '../endpoints/start.ts'
import {
  demoClient,
  demoDeviceClient,
  demoPublicClient,
  demoServiceClient,
  demoUsers,
} from '../models/demo.ts'
import { build } from '../version.ts'

/** `port` is the one that is in use. */
export function welcome(config: Config, port: number): string {
  const { issuer, environment, store, host } = config
  const address = `${host.includes(':') ? `[${host}]` : host}:${port}`
  const mails = mailsShownAt(config)
  const lines = [
    `Latchkey ${build} · ${issuer} · ${environment}, store ${store.kind} · listening on ${address}`,
  ]
  if (environment === 'development')
    lines.push(
      '',
      `  Start page  ${issuer}/`,
      `  Discovery   ${issuer}/.well-known/openid-configuration`,
      `  Sign in as  ${demoUsers.map((user) => `${user.username} / ${user.password}`).join('   or   ')}`,
      `  Client      ${demoClient.client_id} / ${demoClient.client_secret}   (public: ${demoPublicClient.client_id}; device: ${demoDeviceClient.client_id}; service: ${demoServiceClient.client_id} / ${demoServiceClient.client_secret})`,
      `  Redirects   ${demoClient.redirect_uris.join('  ')}`,
      `  Account     ${issuer}${accountPath}`,
      ...(mails === undefined ? [] : [`  Emails      ${mails}`]),
      ...(config.lab ? [`  Lab         ${issuer}/lab`] : []),
      '',
      '  Your first token, in another terminal:',
      '',
      `    ${firstCurl(issuer)}`,
    )
  return `${lines.join('\n')}\n\n`
}
