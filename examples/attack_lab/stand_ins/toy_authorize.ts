/** The authorization endpoint of the toy provider, with its pages. A line that a switch makes weak names the switch. */
import { pageOf } from '../../exchanges/page.ts'
import type { Routes } from '../serve.ts'
import { random, type Toy, type ToyClient } from './toy.ts'

const alice = { username: 'alice', password: 'alicepassword' }

export function toyAuthorize(toy: Toy): Routes {
  const { lab, clients, codes } = toy
  const sessions = new Set<string>()
  const isSignedIn = (request: Bun.BunRequest) => sessions.has(request.cookies.get('toy_session') ?? '')

  function allows({ redirectUri }: ToyClient, asked: string): boolean {
    // prefix_redirects: "the path may vary, so the address must begin as the registered one does".
    if (lab.weak('prefix_redirects')) return asked.startsWith(new URL(redirectUri).origin)
    return asked === redirectUri
  }

  function authorize(request: Bun.BunRequest): Response {
    const query = new URL(request.url).searchParams
    const client = clients.get(query.get('client_id') ?? '')
    const redirectUri = query.get('redirect_uri') ?? ''
    if (!client || !allows(client, redirectUri)) return page(400, 'This address is not registered', '')
    if (!isSignedIn(request)) return signInPage(request.url)
    // silent_consent: the name that the client gave itself, and no word of who gave it.
    return page(200, `Allow ${Bun.escapeHTML(client.name)}?`, button(request.url, 'allow', 'Allow'))
  }

  async function submit(request: Bun.BunRequest): Promise<Response> {
    const form = new URLSearchParams(await request.text())
    const query = new URL(request.url).searchParams
    const redirect = new URL(query.get('redirect_uri') ?? lab.at.client)
    const client = clients.get(query.get('client_id') ?? '')
    if (form.has('login')) return signIn(request, form)
    if (!isSignedIn(request) || !client || !allows(client, query.get('redirect_uri') ?? ''))
      return page(400, 'Something is missing', '')
    const code = random()
    codes.add(code)
    redirect.searchParams.set('code', code)
    redirect.searchParams.set('state', query.get('state') ?? '')
    return Response.redirect(redirect.href, 303)
  }

  /** Alice alone has an account. */
  function signIn(request: Bun.BunRequest, form: URLSearchParams): Response {
    if (form.get('username') !== alice.username || form.get('password') !== alice.password)
      return signInPage(request.url)
    const session = random()
    sessions.add(session)
    request.cookies.set('toy_session', session, { httpOnly: true, sameSite: 'lax' })
    return Response.redirect(request.url, 303)
  }

  const account = (request: Bun.BunRequest): Response =>
    isSignedIn(request) ? page(200, 'You are Alice Adams', '') : signInPage(request.url)

  /** framed_consent: nothing says that the page must not be a part of another page. */
  const page = (status: number, title: string, body: string): Response => {
    const answer = pageOf(status, title, body, '')
    if (lab.weak('framed_consent')) answer.headers.delete('content-security-policy')
    return answer
  }

  const signInPage = (action: string): Response =>
    page(
      200,
      'Sign in',
      `<form method="post" action="${pathOf(action)}"><p><label>Username <input name="username" required></label></p><p><label>Password <input name="password" type="password" required></label></p><button name="login" value="login">Sign in</button></form>`,
    )

  return {
    '/authorize': { GET: authorize, POST: submit },
    '/account': { GET: account, POST: submit },
  }
}

const pathOf = (url: string): string => {
  const { pathname, search } = new URL(url)
  return Bun.escapeHTML(pathname + search)
}

const button = (action: string, name: string, label: string): string =>
  `<form method="post" action="${pathOf(action)}"><button name="${name}" value="${name}">${label}</button></form>`
