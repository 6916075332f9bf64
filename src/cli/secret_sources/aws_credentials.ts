/** Credentials as the tools of AWS find them: the environment, a web identity (EKS), a container (ECS, EKS Pod Identity). docs/decisions/0074-secrets-elsewhere.md */
import { type Env, given } from '../../config/read.ts'
import { ask, type Asked, member, quoted, type Said, SourceError, textMember, tokenIn } from './source.ts'

export interface Credentials {
  accessKeyId: string
  secretAccessKey: string
  sessionToken: string | undefined
  /** Milliseconds since the epoch; undefined for credentials that do not end. */
  expires: number | undefined
}

/** Milliseconds before their end in which credentials are fetched anew. */
const early = 300_000

/** The addresses at which ECS and EKS give credentials over plain HTTP. */
const containerHosts = ['169.254.170.2', '169.254.170.23', 'fd00:ec2::23']

/** The status and the words of an answer that is a refusal. */
export const awsProblem = ({ status, json }: Said): string => {
  const type =
    textMember(json, '__type')?.split('#').at(-1) ?? textMember(member(json, 'Error'), 'Code') ?? ''
  const message = textMember(json, 'message') ?? textMember(json, 'Message') ?? ''
  return [status, type, message && quoted(message)].filter(Boolean).join(' ')
}

/** Of the fields of an answer, in the spelling of the container (`AccessKeyId`, `Token`) or of STS (`SessionToken`). */
function credentialsIn(said: Said, value: unknown, from: string): Credentials {
  const accessKeyId = textMember(value, 'AccessKeyId')
  const secretAccessKey = textMember(value, 'SecretAccessKey')
  if (said.status !== 200 || accessKeyId === undefined || secretAccessKey === undefined)
    throw new SourceError(`${from} gave no credentials: ${awsProblem(said)}`)
  const expiration = member(value, 'Expiration')
  const expires =
    typeof expiration === 'number' ? expiration * 1000 : Date.parse(String(expiration)) || undefined
  const sessionToken = textMember(value, 'Token') ?? textMember(value, 'SessionToken')
  return { accessKeyId, secretAccessKey, sessionToken, expires }
}

export const domainOf = (region: string): string =>
  region.startsWith('cn-') ? 'amazonaws.com.cn' : 'amazonaws.com'

export const regionIn = (env: Env): string | undefined =>
  given(env, 'AWS_REGION') ?? given(env, 'AWS_DEFAULT_REGION')

/** Resolves to credentials for `region`, kept until shortly before they end. `what` needs them. Throws SourceError. */
export function awsCredentials(
  env: Env,
  { timeoutMs, what }: { timeoutMs: number; what: string },
): (region: string) => Promise<Credentials> {
  let kept: Credentials | undefined

  /** https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRoleWithWebIdentity.html */
  async function webIdentity(tokenPath: string, role: string, region: string): Promise<Credentials> {
    const endpoint = given(env, 'AWS_ENDPOINT_URL_STS') ?? `https://sts.${region}.${domainOf(region)}`
    const said = await ask(endpoint, {
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded', accept: 'application/json' },
      body: new URLSearchParams({
        Action: 'AssumeRoleWithWebIdentity',
        Version: '2011-06-15',
        RoleArn: role,
        RoleSessionName: given(env, 'AWS_ROLE_SESSION_NAME') ?? 'latchkey',
        WebIdentityToken: tokenIn('AWS_WEB_IDENTITY_TOKEN_FILE', tokenPath),
      }).toString(),
      timeoutMs,
    })
    const result = member(
      member(said.json, 'AssumeRoleWithWebIdentityResponse'),
      'AssumeRoleWithWebIdentityResult',
    )
    return credentialsIn(said, member(result, 'Credentials'), 'AWS STS')
  }

  async function container(url: string): Promise<Credentials> {
    const tokenPath = given(env, 'AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE')
    const token =
      tokenPath === undefined
        ? given(env, 'AWS_CONTAINER_AUTHORIZATION_TOKEN')
        : tokenIn('AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE', tokenPath)
    const headers: Asked['headers'] = token === undefined ? {} : { authorization: token }
    const said = await ask(url, { headers, timeoutMs, plainHosts: containerHosts })
    return credentialsIn(said, said.json, 'the container')
  }

  function found(region: string): Promise<Credentials> | Credentials {
    const accessKeyId = given(env, 'AWS_ACCESS_KEY_ID')
    const secretAccessKey = given(env, 'AWS_SECRET_ACCESS_KEY')
    if (accessKeyId !== undefined && secretAccessKey !== undefined)
      return {
        accessKeyId,
        secretAccessKey,
        sessionToken: given(env, 'AWS_SESSION_TOKEN'),
        expires: undefined,
      }
    const tokenPath = given(env, 'AWS_WEB_IDENTITY_TOKEN_FILE')
    const role = given(env, 'AWS_ROLE_ARN')
    if (tokenPath !== undefined && role !== undefined) return webIdentity(tokenPath, role, region)
    const relative = given(env, 'AWS_CONTAINER_CREDENTIALS_RELATIVE_URI')
    const full = given(env, 'AWS_CONTAINER_CREDENTIALS_FULL_URI')
    if (relative !== undefined) return container(`http://${containerHosts[0]}${relative}`)
    if (full !== undefined) return container(full)
    throw new SourceError(
      `${what} needs credentials: AWS_ACCESS_KEY_ID with AWS_SECRET_ACCESS_KEY, AWS_WEB_IDENTITY_TOKEN_FILE with AWS_ROLE_ARN, or those of a container`,
    )
  }

  return async (region) => {
    if (!kept || (kept.expires !== undefined && Date.now() > kept.expires - early)) kept = await found(region)
    return kept
  }
}
