/** A client kit: files that start the work with one client, made of its own registration. */

/** By the words of the kits. */
export const grants = {
  code: 'authorization_code',
  refresh: 'refresh_token',
  service: 'client_credentials',
  device: 'urn:ietf:params:oauth:grant-type:device_code',
} as const
export type Grant = keyof typeof grants

export interface KitFile {
  /** Relative, with `/`. */
  path: string
  text: string
  /** It has the secret, or is made to hold it: only the operator may read it. */
  isPrivate?: boolean
  isProgram?: boolean
}

/** The values of a client, and what is derived from them for one kit. */
export interface KitValues {
  issuer: string
  client_id: string
  /** In one line, without characters that control a display. */
  client_name: string
  redirect_uri: string | undefined
  post_logout_redirect_uri: string | undefined
  scope: string
  auth_method: AuthMethod
  /** Only when the operator gave it. */
  client_secret: string | undefined
  grants: readonly Grant[]
  /** By their names in the metadata, such as `token_endpoint`. */
  endpoints: Readonly<Record<string, string>>
  /** A pair for requests by hand. */
  pkce: { code_verifier: string; code_challenge: string }
}

const withSecret = ['client_secret_basic', 'client_secret_post'] as const
export const anyMethod = [...withSecret, 'none'] as const
export type AuthMethod = (typeof anyMethod)[number]

/** What a kit asks of the redirect URI. */
export interface RedirectWish {
  /** What the command that mends a client adds. */
  example: string
  accepts(uri: string): boolean
  /** The end of the sentence "it needs a redirect URI …". */
  expected: string
}

export interface Kit {
  kind: string
  title: string
  /** The methods that it can use, the best first. */
  methods: readonly AuthMethod[]
  /** The client must be registered for it. */
  grant?: Grant
  redirect?: RedirectWish
  /** Signs End-Users in by OpenID Connect, so that the scope needs `openid`. */
  signsIn?: true
  files(values: KitValues): KitFile[]
  /** Those with the values of the client, for a program that exists already. Absent: all files. */
  settings?(values: KitValues): KitFile[]
  /** Commands in a shell, in the folder of the kit. */
  run(values: KitValues): readonly string[]
}
