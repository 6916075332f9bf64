/** Exchanges as HTML. All text comes from elsewhere and is escaped. */
import type { Exchange, Token } from './exchange.ts'

const escaped = (text: string): string =>
  text.replace(/[&<>"']/g, (character) => `&#${character.codePointAt(0)};`)

const block = (label: string, text: string): string =>
  text === '' ? '' : `<h3>${label}</h3><pre tabindex="0">${escaped(text)}</pre>`

const token = ({ name, header, claims }: Token, open: '' | ' open'): string =>
  `<details${open}><summary><code>${escaped(name)}, decoded</code></summary>${block('Header', header)}${block('Claims', claims)}</details>`

const exchange = ({ title, request, answer, tokens }: Exchange): string => {
  const [status = ''] = answer.split('\n')
  const parts = [block('Request', request), block('Answer', answer), ...tokens.map((each) => token(each, ''))]
  return `<li><details><summary><code>${escaped(title)}</code> <span>${escaped(status)}</span></summary>${parts.join('')}</details></li>`
}

/** A list with one entry for each; empty when there is none. */
export function exchangesHtml(exchanges: Iterable<Exchange>): string {
  const entries = Array.from(exchanges, exchange).join('')
  return entries === '' ? '' : `<h2>Requests</h2><ol class="exchanges">${entries}</ol>`
}

/** The newest of each kind of token, by name. */
export function tokensHtml(exchanges: Iterable<Exchange>): string {
  const newest = new Map(
    Array.from(exchanges).flatMap(({ tokens }) => tokens.map((each) => [each.name, each] as const)),
  )
  const entries = Array.from(newest.values(), (each) => token(each, ' open')).join('')
  return entries === '' ? '' : `<h2>Tokens</h2>${entries}`
}
