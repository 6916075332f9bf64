/** The one page this application has: a sentence and where to go from it. */

export const page = (status: number, text: string, href: string, label: string): Response =>
  new Response(
    `<!doctype html>
<html lang="en">
<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>Web application</title><link rel="icon" href="data:,">
<h1>Web application</h1>
<p id="status">${Bun.escapeHTML(text)}</p>
<p><a href="${href}">${label}</a></p>
</html>`,
    {
      status,
      headers: { 'content-type': 'text/html; charset=utf-8', 'cache-control': 'no-store' },
    },
  )
