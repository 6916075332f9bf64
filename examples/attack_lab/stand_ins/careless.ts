/** A provider that signs up each person with the address that they type, and sends no email to it. It says so: email_verified is false. */
import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import { randomBytes } from 'node:crypto'
import { pageOf } from '../../exchanges/page.ts'
import type { Lab } from '../lab.ts'
import type { Routes } from '../serve.ts'

interface SignUp {
  client_id: string
  nonce: string
  email: string
}

export async function careless(lab: Lab): Promise<Routes> {
  const issuer = `${lab.at.door}/careless`
  const { publicKey, privateKey } = await generateKeyPair('RS256')
  const jwk = { ...(await exportJWK(publicKey)), kid: 'careless', alg: 'RS256', use: 'sig' }
  const codes = new Map<string, SignUp>()

  /** A form for the address; the parameters of the request come back with it. */
  function authorize({ url }: Request): Response {
    const { search } = new URL(url)
    return pageOf(
      200,
      'Careless sign-up',
      `<form method="post" action="/careless/authorize${Bun.escapeHTML(search)}"><label>Your email address <input name="email" type="email" required></label> <button name="sign_up">Sign up</button></form>`,
      '',
    )
  }

  async function signUp(request: Request): Promise<Response> {
    const query = new URL(request.url).searchParams
    const [client_id = '', nonce = '', state = ''] = ['client_id', 'nonce', 'state'].map(
      (name) => query.get(name) ?? '',
    )
    const email = new URLSearchParams(await request.text()).get('email') ?? ''
    const code = randomBytes(32).toString('base64url')
    codes.set(code, { client_id, nonce, email })
    return Response.redirect(
      `${lab.at.client}/callback?${new URLSearchParams({ code, state, iss: issuer })}`,
      303,
    )
  }

  async function token(request: Request): Promise<Response> {
    const code = new URLSearchParams(await request.text()).get('code') ?? ''
    const found = codes.get(code)
    codes.delete(code)
    if (!found) return Response.json({ error: 'invalid_grant' }, { status: 400 })
    const { client_id, nonce, email } = found
    const id_token = await new SignJWT({ nonce, name: 'New Member', email, email_verified: false })
      .setProtectedHeader({ alg: 'RS256', kid: jwk.kid })
      .setIssuer(issuer)
      .setAudience(client_id)
      .setSubject(randomBytes(8).toString('hex'))
      .setIssuedAt()
      .setExpirationTime('5m')
      .sign(privateKey)
    return Response.json({ access_token: randomBytes(16).toString('hex'), token_type: 'Bearer', id_token })
  }

  return {
    '/careless/authorize': { GET: authorize, POST: signUp },
    '/careless/token': { POST: token },
    '/careless/jwks.json': () => Response.json({ keys: [jwk] }),
  }
}
