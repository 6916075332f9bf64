// The provider's side of https://openid.net/specs/openid-connect-session-1_0.html#OPiframe: a client's frame asks
// "client_id session_state", and hears unchanged, changed or error. Nothing else is told to anybody.
const cookieName = document.currentScript.dataset.cookie

function browserState() {
  const found = document.cookie.split('; ').find((each) => each.startsWith(`${cookieName}=`))
  return found && found.slice(cookieName.length + 1)
}

async function sessionState(clientId, origin, state, salt) {
  const text = new TextEncoder().encode(`${clientId} ${origin} ${state} ${salt}`)
  const bytes = new Uint8Array(await crypto.subtle.digest('SHA-256', text))
  const base64 = btoa(String.fromCharCode(...bytes))
  return `${base64.replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '')}.${salt}`
}

/** Where the browser keeps our cookies from frames, nobody can say: a client that hears "changed" would ask for ever. */
const cannotSee = async () => Boolean(document.hasStorageAccess) && !(await document.hasStorageAccess())

async function judge(data, origin) {
  const [, clientId, claimed, salt] = /^(.{1,2000}) ([\w-]{43}\.([\w-]{1,100}))$/.exec(String(data)) || []
  if (clientId === undefined) return 'error'
  const state = browserState()
  if (state === undefined) return (await cannotSee()) ? 'error' : 'changed'
  return (await sessionState(clientId, origin, state, salt)) === claimed ? 'unchanged' : 'changed'
}

addEventListener('message', async ({ data, origin, source }) => {
  if (!source || typeof data !== 'string' || origin === 'null' || source === window) return
  source.postMessage(await judge(data, origin).catch(() => 'error'), origin)
})
