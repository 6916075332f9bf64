/** What the page shows. All text comes from elsewhere, and is text. */
import { type Exchange, note } from '../exchanges/exchange.ts'
import { exchangesHtml, tokensHtml } from '../exchanges/html.ts'

export const element = (id: string): HTMLElement => document.getElementById(id)!

interface TrustedTypes {
  createPolicy(
    name: string,
    rules: { createHTML(html: string): string },
  ): { createHTML(html: string): string }
}

/** The one place that may make HTML of text (Trusted Types): ../exchanges/html.ts escapes all of it. */
const { trustedTypes } = globalThis as { trustedTypes?: TrustedTypes }
const policy = trustedTypes?.createPolicy('exchanges', { createHTML: (html) => html }) ?? {
  createHTML: (html: string) => html,
}

/** What the page shows of the requests, without their secrets. Redirects leave the page, so that they are kept. */
const exchanges = new Map(
  JSON.parse(sessionStorage.getItem('exchanges') ?? '[]') as (readonly [string, Exchange])[],
)

export function draw(): void {
  sessionStorage.setItem('exchanges', JSON.stringify([...exchanges]))
  element('tokens').innerHTML = policy.createHTML(tokensHtml(exchanges.values()))
  element('exchanges').innerHTML = policy.createHTML(exchangesHtml(exchanges.values()))
}

export function keep(exchange: Exchange): void {
  note(exchanges, exchange)
  draw()
}

/** The next person in this tab sees nothing of this one. */
export function forgetExchanges(): void {
  exchanges.clear()
  draw()
}

/** `explanation` is an address of the provider. */
export function say(status: string, explanation?: string): void {
  element('status').textContent = status
  const link = element('explanation')
  link.hidden = explanation === undefined
  if (explanation !== undefined) link.querySelector('a')!.href = explanation
}

export function showPerson(
  about: { sub: string; name: string; email?: string | undefined } | undefined,
): void {
  element('sign_in').hidden = about !== undefined
  for (const id of ['renew', 'sign_out', 'user']) element(id).hidden = about === undefined
  element('user').textContent = about ? JSON.stringify(about, null, 2) : ''
}
