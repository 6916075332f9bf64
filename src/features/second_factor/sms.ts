/** Text messages through the operator's HTTP gateway. */
import type { Context } from '../../contracts/context.ts'
import type { OutboundOptions } from '../../outbound/outbound.ts'
import { settingsOf } from './settings.ts'

/** The gateway cannot be reached, is too slow, or refused the message. */
export class DeliveryFailed extends Error {
  override readonly name = 'DeliveryFailed'
}

const fill = (template: string, write: (value: string) => string, to: string, text: string): string =>
  template.replace(/\{(to|text)\}/g, (_, name: string) => write(name === 'to' ? to : text))

/** Escaped for a place between the quotes of a JSON string. */
const inJson = (value: string): string => JSON.stringify(value).slice(1, -1)

export function smsRequest(
  settings: {
    url: string
    method: 'POST' | 'PUT' | 'GET'
    body: string
    token: string | undefined
  },
  to: string,
  text: string,
): { url: string; options: OutboundOptions } {
  const json = settings.body.trimStart().startsWith('{')
  const headers = {
    ...(settings.token !== undefined && { authorization: `Bearer ${settings.token}` }),
    ...(settings.method !== 'GET' && {
      'content-type': json ? 'application/json' : 'application/x-www-form-urlencoded',
    }),
  }
  const options: OutboundOptions = { purpose: 'sms', method: settings.method, headers }
  if (settings.method !== 'GET')
    options.body = fill(settings.body, json ? inJson : encodeURIComponent, to, text)
  return { url: fill(settings.url, encodeURIComponent, to, text), options }
}

/** Throws DeliveryFailed unless the gateway answered 2xx. Neither number nor text is logged. */
export async function sendText(context: Context, to: string, text: string): Promise<void> {
  const { smsGatewayUrl, smsGatewayMethod, smsGatewayBody, smsGatewayToken } = settingsOf(context.config)
  if (smsGatewayUrl === undefined) throw new DeliveryFailed('SMS_GATEWAY_URL is not set')
  const { url, options } = smsRequest(
    { url: smsGatewayUrl, method: smsGatewayMethod, body: smsGatewayBody, token: smsGatewayToken },
    to,
    text,
  )
  let status: number
  try {
    ;({ status } = await context.outbound.fetch(url, options))
  } catch (error) {
    throw new DeliveryFailed(error instanceof Error ? error.message : 'the request failed', { cause: error })
  }
  if (status >= 200 && status < 300) return
  context.log.warn('sms_refused', { status })
  throw new DeliveryFailed(`the gateway answered ${status}`)
}
