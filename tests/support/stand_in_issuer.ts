/** An issuer of a test that signs whatever it is told, answers what it is told, and counts what it is asked: a provider that fails or lies. */
import { exportJWK, generateKeyPair, type JWTHeaderParameters, SignJWT } from 'jose'
import type { Json } from './client.ts'

export interface StandInIssuer {
  issuer: string
  /** A JWT of the current key; `undefined` takes a claim out. */
  sign(claims: Json, header?: Partial<JWTHeaderParameters>): Promise<string>
  /** From now on another key signs, and is published with the ones before. */
  rotate(): Promise<void>
  /** Replaces the answer to a path, until `answer(path)` puts the usual one back. */
  answer(path: string, how?: (request: Request) => Response | Promise<Response>): void
  /** How often a path was asked. */
  count(path: string): number
  stop(): Promise<void>
}

export async function standInIssuer(): Promise<StandInIssuer> {
  const published: object[] = []
  let current: { kid: string; key: CryptoKey }
  const rotate = async () => {
    const { privateKey, publicKey } = await generateKeyPair('ES256')
    const kid = `key-${published.length}`
    published.push({ ...(await exportJWK(publicKey)), kid, alg: 'ES256', use: 'sig' })
    current = { kid, key: privateKey }
  }
  await rotate()
  const counts = new Map<string, number>()
  const answers = new Map<string, (request: Request) => Response | Promise<Response>>()
  const server = Bun.serve({
    port: 0,
    hostname: 'localhost',
    fetch(request): Response | Promise<Response> {
      const { pathname } = new URL(request.url)
      counts.set(pathname, (counts.get(pathname) ?? 0) + 1)
      const answer = answers.get(pathname)
      if (answer) return answer(request)
      if (pathname === '/jwks') return Response.json({ keys: published })
      if (pathname !== '/.well-known/openid-configuration') return new Response(null, { status: 404 })
      const names = ['introspection', 'token', 'authorization'].map((each) => [
        `${each}_endpoint`,
        `${issuer}/${each}`,
      ])
      return Response.json({ issuer, jwks_uri: `${issuer}/jwks`, ...Object.fromEntries(names) })
    },
  })
  const issuer: string = `http://localhost:${server.port}`
  return {
    issuer,
    async sign(claims, header = {}) {
      const now = Math.floor(Date.now() / 1000)
      return new SignJWT({ iss: issuer, iat: now, exp: now + 300, jti: crypto.randomUUID(), ...claims })
        .setProtectedHeader({ alg: 'ES256', kid: current.kid, typ: 'at+jwt', ...header })
        .sign(current.key)
    },
    rotate,
    answer: (path, how) => void (how ? answers.set(path, how) : answers.delete(path)),
    count: (path) => counts.get(path) ?? 0,
    stop: () => server.stop(true),
  }
}
