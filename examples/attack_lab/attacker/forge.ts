/** Makes an ID Token of Latchkey for any person, without its private key: `forge.ts SUB`. */
import { createRemoteJWKSet, exportSPKI, SignJWT } from 'jose'

const [sub = ''] = process.argv.slice(2)
const { ISSUER = 'http://localhost:8801' } = process.env

// The public key is public. As a text it is a secret that two sides know, if one side is careless.
const publicKey = await createRemoteJWKSet(new URL(`${ISSUER}/jwks.json`))({ alg: 'RS256' })
const text = new TextEncoder().encode(await exportSPKI(publicKey as CryptoKey))

const token = await new SignJWT({ name: 'not needed' })
  .setProtectedHeader({ typ: 'JWT', alg: 'HS256' })
  .setIssuer(ISSUER)
  .setAudience('notes')
  .setSubject(sub)
  .setIssuedAt()
  .setExpirationTime('5m')
  .sign(text)
console.log(token)
