/** The one page of this application: a sentence, where to go from it, and the requests behind it. */
import type { Exchange } from '../exchanges/exchange.ts'
import { exchangesHtml, tokensHtml } from '../exchanges/html.ts'
import { pageOf } from '../exchanges/page.ts'

export const page = (
  status: number,
  text: string,
  href: string,
  label: string,
  exchanges: readonly Exchange[] = [],
): Response =>
  pageOf(
    status,
    'Web application',
    `<p id="status">${Bun.escapeHTML(text)}</p>
<p class="actions"><a class="button" href="${href}">${label}</a></p>`,
    tokensHtml(exchanges) + exchangesHtml(exchanges),
  )
