/** Opens the browser of the system: the application never sees the password, and the person sees the true address (RFC 8252 §8.12). */

const openers: Partial<Record<NodeJS.Platform, readonly string[]>> = {
  darwin: ['open'],
  win32: ['rundll32', 'url.dll,FileProtocolHandler'],
}

/** False when there is none, such as over SSH. Without a shell, which would read `&` in the URL as a command. */
export function openBrowser(url: string): boolean {
  const { BROWSER, DISPLAY, WAYLAND_DISPLAY } = process.env
  const isDesktop = process.platform in openers || Boolean(DISPLAY ?? WAYLAND_DISPLAY ?? BROWSER)
  if (!isDesktop) return false
  const opener = BROWSER ? [BROWSER] : (openers[process.platform] ?? ['xdg-open'])
  try {
    Bun.spawn([...opener, url], { stdio: ['ignore', 'ignore', 'ignore'] }).unref()
    return true
  } catch {
    return false
  }
}
