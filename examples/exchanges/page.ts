/** A page without scripts: a card, and the requests below it. */

/** `card` and `below` are HTML. */
export const pageOf = (status: number, title: string, card: string, below: string): Response =>
  new Response(
    `<!doctype html>
<html lang="en">
<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title}</title><link rel="icon" href="data:,"><link rel="stylesheet" href="/style.css">
<main>
<div class="card">
<h1>${title}</h1>
${card}
</div>
${below}
</main>
</html>`,
    {
      status,
      headers: {
        'content-type': 'text/html; charset=utf-8',
        'cache-control': 'no-store',
        'content-security-policy':
          "default-src 'none'; style-src 'self'; img-src data:; frame-ancestors 'none'; base-uri 'none'",
      },
    },
  )
