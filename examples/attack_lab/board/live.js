/** Fetches the page again every two seconds and takes over what the programs noticed. Without this script a reload shows it. */
const refresh = async () => {
  if (document.hidden) return
  const answer = await fetch(location.href).catch(() => undefined)
  if (!answer?.ok) return
  const next = new DOMParser().parseFromString(await answer.text(), 'text/html')
  for (const part of document.querySelectorAll('[data-live]')) {
    const same = next.querySelector(`[data-live="${part.dataset.live}"]`)
    const isInUse = part.contains(document.activeElement) // a button that was reached stays where it is
    if (same && !isInUse && same.textContent !== part.textContent) part.innerHTML = same.innerHTML
  }
}
setInterval(refresh, 2_000)
