/** The page: what is shown comes over the connection. No ticket and no token is in it. */
import type { Session } from '../web_app/sessions.ts'
import { issuer, origin } from '../web_app/settings.ts'

export const nosniff = { 'x-content-type-options': 'nosniff' }

/** Safari before 15.4 does not count a WebSocket of this host as 'self'. */
const policy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  `connect-src 'self' ${origin.replace(/^http/, 'ws')}`,
  'img-src data:',
  `form-action 'self' ${new URL(issuer).origin}`,
  "frame-ancestors 'none'",
  "base-uri 'none'",
  "require-trusted-types-for 'script'",
].join('; ')

const signedOut = `<p id="status">You are signed out</p>
<p class="actions"><a class="button" href="/login">Sign in</a></p>`

const signedIn = ({ name, csrf }: Session) => `<p id="status">You are ${Bun.escapeHTML(name)}</p>
<form method="post" action="/logout"><input type="hidden" name="csrf" value="${csrf}"><p class="actions"><button name="sign_out" class="plain">Sign out</button></p></form>
<h2>Connection</h2>
<p id="connection" role="status">Not connected</p>
<p>Temperature: <output id="reading">…</output> °C</p>
<h2>Room</h2>
<form id="say" hidden>
<label for="text">Your message</label>
<p class="actions"><input id="text" name="text" required maxlength="500" autocomplete="off"><button>Say it</button></p>
</form>
<ul id="said" aria-live="polite"></ul>
<noscript><p>A WebSocket needs JavaScript.</p></noscript>`

export const livePage = (session: Session | undefined): Response =>
  new Response(
    `<!doctype html>
<html lang="en">
<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>Live</title><link rel="icon" href="data:,"><link rel="stylesheet" href="/style.css">
${session ? `<meta name="csrf" content="${session.csrf}"><script type="module" src="/front_end.js"></script>` : ''}
<main>
<div class="card">
<h1>Live</h1>
${session ? signedIn(session) : signedOut}
</div>
</main>
</html>`,
    {
      headers: {
        ...nosniff,
        'content-type': 'text/html; charset=utf-8',
        'cache-control': 'no-store',
        'content-security-policy': policy,
        'referrer-policy': 'same-origin',
        'cross-origin-opener-policy': 'same-origin',
      },
    },
  )
