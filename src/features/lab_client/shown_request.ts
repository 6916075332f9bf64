/** A request as HTTP and as a command of a shell, and an answer as HTTP. */
import { STATUS_CODES } from 'node:http'
import { shellWord } from '../../lib/shell_word.ts'
import { written } from '../../lib/unsafe_text.ts'
import { type Draft, encoded } from './draft.ts'
import type { Answer } from './flow.ts'

/** `written`, with its line breaks. */
export const legible = (text: string): string => text.split('\n').map(written).join('\n')

export function httpOf({ method, headers, params }: Draft, url: URL): string {
  return [
    `${method} ${url.pathname}${url.search} HTTP/1.1`,
    `host: ${url.host}`,
    ...headers.map(([name, value]) => `${name}: ${value}`),
    ...(method === 'POST' ? ['', encoded(params)] : []),
  ].join('\n')
}

export function curlOf({ method, headers, params }: Draft, url: URL): string {
  const isForm = method === 'POST'
  return [
    `curl -i${isForm ? ' -X POST' : ''} ${shellWord(url.href)}`,
    // Without this, curl would add the content type of a form.
    ...(isForm && !headers.some(([name]) => name === 'content-type') ? [`-H 'content-type:'`] : []),
    ...headers.map(([name, value]) => `-H ${shellWord(`${name}: ${value}`)}`),
    ...(isForm ? params.map((pair) => `-d ${shellWord(encoded([pair]))}`) : []),
  ].join(' \\\n  ')
}

const pretty = (text: string, members: Answer['members']): string =>
  Object.keys(members).length > 0 ? JSON.stringify(members, null, 2) : text

/** What is kept of a request or an answer to show it. */
export const clip = (text: string, most = 12_000): string =>
  text.length > most ? `${text.slice(0, most)}…` : text

export const answerText = ({ status, headers, text, members }: Answer): string =>
  status === undefined
    ? text
    : [
        `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}`.trimEnd(),
        ...headers.map(([name, value]) => `${name}: ${value}`),
        '',
        pretty(text, members),
      ].join('\n')
