/** Where this application is, which client it is, and which API it calls. */
const { PORT = '8080', ISSUER = 'http://localhost:5000', BASE_URL = `http://localhost:${PORT}` } = process.env
const { CLIENT_ID = 'client123', CLIENT_SECRET = 'secret456', CLIENT_KEY_FILE, API, API_SCOPE } = process.env

export const port = Number(PORT)
export const issuer = ISSUER
/** Scheme, host and port as browsers see them, which are those of a proxy if there is one. */
export const { origin } = new URL(BASE_URL)
export const home = `${origin}/`
export const redirectUri = `${origin}/callback`
export const isSecure = origin.startsWith('https:')

export const clientId = CLIENT_ID
export const clientSecret = CLIENT_SECRET
/** A private key (JWK) in place of the secret. */
export const clientKeyFile = CLIENT_KEY_FILE
/** The URI of the API; undefined without one. */
export const api = API
export const apiScope = API_SCOPE ?? 'read:notes write:notes'
