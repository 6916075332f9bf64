/**
 * Signed calls of services of AWS. Credentials as the tools of AWS find them: the environment, a web identity (EKS), a
 * container (ECS, EKS Pod Identity). https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv.html
 */
import { AwsV4Signer } from 'aws4fetch'
import { given } from '../../config/read.ts'
import {
  ask,
  type Asked,
  member,
  quoted,
  type Said,
  SourceError,
  type SourceSettings,
  textMember,
  tokenIn,
} from './source.ts'

interface Credentials {
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

export interface AwsService {
  /** Of the variable that needs AWS, for messages. */
  scheme: 'awssm' | 'awskms'
  /** As signatures, ARNs and host names have it. */
  name: 'secretsmanager' | 'kms'
  /** Before the name of an action in `x-amz-target`. */
  target: string
  /** The variable with another address of the service, as the tools of AWS define it. */
  endpoint: 'AWS_ENDPOINT_URL_SECRETS_MANAGER' | 'AWS_ENDPOINT_URL_KMS'
}

/** `place` is a name or an ARN, which decides the region. Throws SourceError when there is no answer. */
export type Aws = (action: string, place: string, body: object, timeoutMs?: number) => Promise<Said>

export function openAws({ env, secretsTimeoutMs: timeoutMs }: SourceSettings, service: AwsService): Aws {
  const { scheme, name, target, endpoint } = service
  let kept: Credentials | undefined

  const regionFor = (place: string): string => {
    const [arn, , ofService, ofArn] = place.split(':')
    const region =
      (arn === 'arn' && ofService === name ? ofArn : undefined) ??
      given(env, 'AWS_REGION') ??
      given(env, 'AWS_DEFAULT_REGION')
    if (region === undefined)
      throw new SourceError(`AWS_REGION is required with ${scheme}: unless an ARN names it`)
    return region
  }

  /** https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRoleWithWebIdentity.html */
  async function webIdentity(tokenPath: string, role: string, place: string): Promise<Credentials> {
    const region = regionFor(place)
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

  function found(place: string): Promise<Credentials> | Credentials {
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
    if (tokenPath !== undefined && role !== undefined) return webIdentity(tokenPath, role, place)
    const relative = given(env, 'AWS_CONTAINER_CREDENTIALS_RELATIVE_URI')
    const full = given(env, 'AWS_CONTAINER_CREDENTIALS_FULL_URI')
    if (relative !== undefined) return container(`http://${containerHosts[0]}${relative}`)
    if (full !== undefined) return container(full)
    throw new SourceError(
      `${scheme}: needs credentials: AWS_ACCESS_KEY_ID with AWS_SECRET_ACCESS_KEY, AWS_WEB_IDENTITY_TOKEN_FILE with AWS_ROLE_ARN, or those of a container`,
    )
  }

  async function credentials(place: string): Promise<Credentials> {
    if (!kept || (kept.expires !== undefined && Date.now() > kept.expires - early)) kept = await found(place)
    return kept
  }

  return async function call(action, place, value, limit = timeoutMs) {
    const region = regionFor(place)
    const url = given(env, endpoint) ?? `https://${name}.${region}.${domainOf(region)}/`
    const body = JSON.stringify(value)
    const { accessKeyId, secretAccessKey, sessionToken } = await credentials(place)
    const signed = await new AwsV4Signer({
      method: 'POST',
      url,
      headers: { 'content-type': 'application/x-amz-json-1.1', 'x-amz-target': `${target}.${action}` },
      body,
      accessKeyId,
      secretAccessKey,
      ...(sessionToken !== undefined && { sessionToken }),
      service: name,
      region,
    }).sign()
    return ask(url, {
      method: 'POST',
      headers: Object.fromEntries(signed.headers),
      body,
      timeoutMs: limit,
    })
  }
}

const domainOf = (region: string): string => (region.startsWith('cn-') ? 'amazonaws.com.cn' : 'amazonaws.com')
