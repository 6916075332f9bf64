/**
 * AWS Secrets Manager: `awssm:NAME` or `awssm:ARN`, also with `#MEMBER` of a secret that is a JSON object.
 * https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_GetSecretValue.html
 */
import { awsProblem, openAws } from './aws_call.ts'
import { partOf, type SecretSource, SourceError, type SourceSettings, textMember } from './source.ts'

export function awsSource(settings: SourceSettings): SecretSource {
  const call = openAws(settings, {
    scheme: 'awssm',
    name: 'secretsmanager',
    target: 'secretsmanager',
    endpoint: 'AWS_ENDPOINT_URL_SECRETS_MANAGER',
  })
  return {
    async read(reference) {
      const { place } = reference
      const said = await call('GetSecretValue', place, { SecretId: place })
      if (said.status !== 200) throw new SourceError(`AWS refused ${place}: ${awsProblem(said)}`)
      const text = textMember(said.json, 'SecretString')
      if (text === undefined) throw new SourceError(`${place} is binary: store it as text`)
      return partOf(text, reference)
    },
  }
}
