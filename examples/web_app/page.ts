/** The pages of this application, and the headers that each has. */
import type { Exchange } from '../exchanges/exchange.ts'
import { exchangesHtml, tokensHtml } from '../exchanges/html.ts'
import type { Session } from './sessions.ts'
import { api, isSecure, issuer } from './settings.ts'

/** form-action: the form of the sign-out leads to the provider, and Chromium applies it to redirects. */
const policy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "connect-src 'self'",
  'img-src data:',
  `form-action 'self' ${new URL(issuer).origin}`,
  "frame-ancestors 'none'", // clickjacking
  "base-uri 'none'",
  "require-trusted-types-for 'script'",
].join('; ')

export const pageHeaders: Readonly<Record<string, string>> = {
  'content-type': 'text/html; charset=utf-8',
  'cache-control': 'no-store', // nothing of a session is in a cache, or behind the Back button of the next person
  'content-security-policy': policy,
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'same-origin', // an address with a code goes to no other site
  'cross-origin-opener-policy': 'same-origin',
  ...(isSecure && { 'strict-transport-security': 'max-age=31536000' }),
}

/** `card` and `below` are HTML. */
const page = (status: number, head: string, card: string, below = ''): Response =>
  new Response(
    `<!doctype html>
<html lang="en">
<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>Web application</title><link rel="icon" href="data:,"><link rel="stylesheet" href="/style.css">${head}
<main>
<div class="card">
<h1>Web application</h1>
${card}
</div>
${below}
</main>
</html>`,
    { status, headers: pageHeaders },
  )

const shown = (exchanges: readonly Exchange[]): string => tokensHtml(exchanges) + exchangesHtml(exchanges)

export const signedOutPage = (): Response =>
  page(
    200,
    '',
    `<p id="status">You are signed out</p>
<p class="actions"><a class="button" href="/login">Sign in</a></p>`,
  )

const notes = `<h2>Notes</h2>
<p id="said" role="status"></p>
<ul id="notes"></ul>
<form id="add">
<label for="text">New note</label>
<p class="actions"><input id="text" required maxlength="1000" autocomplete="off"><button>Add</button></p>
</form>
<p class="actions"><button id="remove" class="plain" hidden>Delete all notes</button><a id="step_up" class="button" href="/login?step_up" hidden>Sign in again</a></p>
<noscript><p>The notes need JavaScript. Signing in and out does not.</p></noscript>`

/** The value for `x-csrf` is on the page, which no other site can read. */
export const signedInPage = ({ name, email, csrf, exchanges }: Session): Response =>
  page(
    200,
    `<meta name="csrf" content="${csrf}"><script type="module" src="/front_end.js"></script>`,
    `<p id="status">You are ${Bun.escapeHTML(email === undefined ? name : `${name} <${email}>`)}</p>
<form method="post" action="/logout"><input type="hidden" name="csrf" value="${csrf}"><p class="actions"><button name="sign_out" class="plain">Sign out</button></p></form>
${api === undefined ? '' : notes}`,
    shown([...exchanges.values()]),
  )

export const problemPage = (
  status: number,
  text: string,
  { explanation, exchanges = [] }: { explanation?: string | undefined; exchanges?: readonly Exchange[] } = {},
): Response =>
  page(
    status,
    '',
    `<p id="status">${Bun.escapeHTML(text)}</p>
${explanation === undefined ? '' : `<p><a href="${Bun.escapeHTML(explanation)}">What the provider says about it</a></p>`}
<p class="actions"><a class="button" href="/login">Start again</a></p>`,
    shown(exchanges),
  )
