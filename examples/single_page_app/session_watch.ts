/** A hidden frame of the provider says whether the session there has changed, without a request. https://openid.net/specs/openid-connect-session-1_0.html#ChangeNotification */

const everyMs = 3_000

/** `changed` is called at most once. Returns the function that ends the watch. */
export function watchSession(
  frameUrl: string,
  { clientId, sessionState }: { clientId: string; sessionState: string },
  changed: () => void,
): () => void {
  const { origin } = new URL(frameUrl)
  const frame = document.createElement('iframe')
  frame.src = frameUrl
  frame.hidden = true
  frame.title = 'Session at the provider'
  const ask = () => frame.contentWindow?.postMessage(`${clientId} ${sessionState}`, origin)
  let hasSeen = false
  function hear({ data, origin: from, source }: MessageEvent): void {
    if (from !== origin || source !== frame.contentWindow) return // any page can send messages to this one
    if (data === 'unchanged') {
      hasSeen = true
      return
    }
    end()
    // A browser that hides cookies from frames says "changed" at once, about a session that has just begun.
    if (data === 'changed' && hasSeen) changed()
  }
  const timer = setInterval(ask, everyMs)
  function end(): void {
    clearInterval(timer)
    removeEventListener('message', hear)
    frame.remove()
  }
  addEventListener('message', hear)
  frame.addEventListener('load', ask)
  document.body.append(frame)
  return end
}
