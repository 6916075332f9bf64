/** A page for the developer at this machine: what came to this API, what the token said, and the answer. */
import type { Exchange } from '../exchanges/exchange.ts'
import { exchangesHtml, tokensHtml } from '../exchanges/html.ts'
import { pageOf } from '../exchanges/page.ts'

export function page(exchanges: Iterable<Exchange>): Response {
  const all = [...exchanges]
  return pageOf(
    200,
    'API',
    `<p id="status">${all.length === 0 ? 'No request so far' : 'The latest requests'}</p>
<p>Send <code>GET /notes</code> or <code>DELETE /notes</code> with an access token, and load this page again.</p>`,
    tokensHtml(all) + exchangesHtml(all),
  )
}
