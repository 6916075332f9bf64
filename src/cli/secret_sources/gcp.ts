/**
 * Google Cloud Secret Manager: `gcpsm:projects/P/secrets/S` (the latest version) or with `/versions/V`.
 * https://cloud.google.com/secret-manager/docs/reference/rest/v1/projects.secrets.versions/access
 */
import { importPKCS8, SignJWT } from 'jose'
import { readNamed } from '../../config/named_files.ts'
import { given } from '../../config/read.ts'
import {
  ask,
  member,
  parsed,
  partOf,
  quoted,
  type Said,
  type SecretSource,
  SourceError,
  type SourceSettings,
  textMember,
} from './source.ts'

const scope = 'https://www.googleapis.com/auth/cloud-platform'
const problemIn = ({ status, json }: Said): string =>
  `${status} ${quoted(textMember(member(json, 'error'), 'message') ?? textMember(json, 'error') ?? '')}`

export function googleSource({ env, secretsTimeoutMs: timeoutMs }: SourceSettings): SecretSource {
  const endpoint =
    given(env, 'CLOUDSDK_API_ENDPOINT_OVERRIDES_SECRETMANAGER') ?? 'https://secretmanager.googleapis.com/'

  /** That of the service account of the machine, container or workload. */
  async function machineToken(): Promise<Said> {
    const host = given(env, 'GCE_METADATA_HOST') ?? 'metadata.google.internal'
    return ask(`http://${host}/computeMetadata/v1/instance/service-accounts/default/token`, {
      headers: { 'metadata-flavor': 'Google' },
      timeoutMs,
      plainHosts: ['metadata.google.internal', '169.254.169.254'],
    })
  }

  /** That of a service account with a key file (RFC 7523 §2.1). */
  async function accountToken(path: string): Promise<Said> {
    const account = readAccount(path)
    const now = Math.floor(Date.now() / 1000)
    const assertion = await new SignJWT({ scope })
      .setProtectedHeader({ alg: 'RS256', typ: 'JWT' })
      .setIssuer(account.email)
      .setAudience(account.tokenUri)
      .setIssuedAt(now)
      .setExpirationTime(now + 300)
      .sign(await importPKCS8(account.key, 'RS256'))
    return ask(account.tokenUri, {
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: new URLSearchParams({
        grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer',
        assertion,
      }).toString(),
      timeoutMs,
    })
  }

  async function accessToken(): Promise<string> {
    const path = given(env, variable)
    const said = await (path === undefined ? machineToken() : accountToken(path))
    const token = textMember(said.json, 'access_token')
    if (said.status !== 200 || token === undefined)
      throw new SourceError(`Google gave no access token: ${problemIn(said)}`)
    return token
  }

  return {
    async read(reference) {
      const match = /^(projects\/[^/]+(?:\/locations\/[^/]+)?\/secrets\/[^/]+)(\/versions\/[^/]+)?$/.exec(
        reference.place,
      )
      if (!match)
        throw new SourceError(
          `expected gcpsm:projects/PROJECT/secrets/NAME, also with /versions/VERSION, got ${quoted(reference.place)}`,
        )
      const name = `${match[1]}${match[2] ?? '/versions/latest'}`
      const said = await ask(new URL(`v1/${name}:access`, endpoint).href, {
        headers: { authorization: `Bearer ${await accessToken()}` },
        timeoutMs,
      })
      const data = textMember(member(said.json, 'payload'), 'data')
      if (said.status !== 200 || data === undefined)
        throw new SourceError(`Google refused ${name}: ${problemIn(said)}`)
      return partOf(Buffer.from(data, 'base64').toString('utf8'), reference)
    },
  }
}

const variable = 'GOOGLE_APPLICATION_CREDENTIALS'

function readAccount(path: string): { email: string; key: string; tokenUri: string } {
  const file = parsed(readNamed(variable, path))
  const email = textMember(file, 'client_email')
  const key = textMember(file, 'private_key')
  const tokenUri = textMember(file, 'token_uri')
  if (email === undefined || key === undefined || tokenUri === undefined)
    throw new SourceError(`${variable}: ${path} is no key file of a service account`)
  return { email, key, tokenUri }
}
