// Pages of /admin are complete without this script. With it a search answers as one types, numbers stay up to date, and files are copied.

const pause = 250

/** Shows the parts of the page at `url` that differ in place of those that are here. A part that is in use stays. */
async function showAnew(url, signal) {
  const answer = await fetch(url, { signal }).catch(() => undefined)
  if (!answer?.ok || answer.redirected) return false
  const fresh = new DOMParser().parseFromString(await answer.text(), 'text/html')
  for (const part of document.querySelectorAll('[data-part]')) {
    const next = fresh.querySelector(`[data-part="${part.dataset.part}"]`)
    if (!next || part.contains(document.activeElement) || part.querySelector('details[open]')) continue
    const shown = document.importNode(next, true)
    part.replaceWith(shown)
    shown.dispatchEvent(new Event('shown', { bubbles: true }))
  }
  return true
}

for (const form of document.querySelectorAll('form.filters')) {
  let timer
  let running
  form.addEventListener('input', () => {
    clearTimeout(timer)
    timer = setTimeout(async () => {
      running?.abort()
      running = new AbortController()
      const chosen = [...new FormData(form)].filter(([, value]) => value !== '')
      const url = `${form.action}?${new URLSearchParams(chosen)}`
      if (await showAnew(url, running.signal)) history.replaceState(null, '', url)
    }, pause)
  })
}

for (const { dataset } of document.querySelectorAll('[data-stream]')) {
  const stream = new EventSource(dataset.stream)
  stream.addEventListener('changed', () => showAnew(location.href))
  // A page that leaves must not hold its connection open for the Back button.
  addEventListener('pagehide', () => stream.close())
}

async function copy(file, status) {
  const text = file.querySelector('pre')
  status.textContent = ''
  try {
    await navigator.clipboard.writeText(text.textContent)
    status.textContent = status.dataset.copied
  } catch {
    getSelection().selectAllChildren(text) // the browser refused: the keyboard can copy
  }
}

for (const file of navigator.clipboard ? document.querySelectorAll('.copied_file') : []) {
  const template = file.querySelector('template')
  const parts = template.content.cloneNode(true)
  const [button, status] = parts.children
  button.addEventListener('click', () => copy(file, status))
  template.replaceWith(parts)
}
