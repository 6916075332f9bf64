/** Requests as the driver writes them: complete ASCII text, built once where they do not change. */

export type Form = Record<string, string>

const lines = (fields: Form): string =>
  Object.entries(fields)
    .map(([name, value]) => `${name}: ${value}\r\n`)
    .join('')

const target = (url: URL): string => `${url.pathname}${url.search} HTTP/1.1\r\nHost: ${url.host}\r\n`

export const get = (url: string, fields: Form = {}): string =>
  `GET ${target(new URL(url))}${lines(fields)}\r\n`

const posted = (url: string, type: string, body: string, fields: Form): string =>
  `POST ${target(new URL(url))}${lines(fields)}Content-Type: ${type}\r\n` +
  `Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`

export const post = (url: string, form: Form, fields: Form = {}): string =>
  posted(url, 'application/x-www-form-urlencoded', new URLSearchParams(form).toString(), fields)

export const postJson = (url: string, value: unknown): string =>
  posted(url, 'application/json', JSON.stringify(value), { Accept: 'application/json' })

/** `client_secret_basic`, RFC 6749 §2.3.1. */
export const basic = (id: string, secret: string): Form => ({
  Authorization: `Basic ${Buffer.from(`${encodeURIComponent(id)}:${encodeURIComponent(secret)}`).toString('base64')}`,
})
