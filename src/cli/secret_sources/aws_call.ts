/**
 * Signed calls of services of AWS. https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv.html
 */
import { AwsV4Signer } from 'aws4fetch'
import { given } from '../../config/read.ts'
import { awsCredentials, domainOf, regionIn } from './aws_credentials.ts'
import { ask, type Said, SourceError, type SourceSettings } from './source.ts'

export { awsProblem } from './aws_credentials.ts'

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
  const credentials = awsCredentials(env, { timeoutMs, what: `${scheme}:` })

  const regionFor = (place: string): string => {
    const [arn, , ofService, ofArn] = place.split(':')
    const region = (arn === 'arn' && ofService === name ? ofArn : undefined) ?? regionIn(env)
    if (region === undefined)
      throw new SourceError(`AWS_REGION is required with ${scheme}: unless an ARN names it`)
    return region
  }

  return async function call(action, place, value, limit = timeoutMs) {
    const region = regionFor(place)
    const url = given(env, endpoint) ?? `https://${name}.${region}.${domainOf(region)}/`
    const body = JSON.stringify(value)
    const { accessKeyId, secretAccessKey, sessionToken } = await credentials(region)
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
