/** The files for container services of clouds in docs/deployment.md: their settings start, and their times fit. */
import { expect, test } from 'bun:test'
import manifest from '../../package.json' with { type: 'json' }
import { loadConfig } from '../../src/config.ts'
import { featureEntries } from '../../src/table.ts'
import { blocksOf, document } from '../support/document.ts'

const block = (note: string): unknown => {
  const found = blocksOf(document('docs/deployment.md')).find((each) => each.note === note)
  if (!found) throw new Error(`docs/deployment.md has no block ${note}`)
  return found.language === 'text' ? JSON.parse(found.text) : Bun.YAML.parse(found.text)
}

interface Variable {
  name: string
  value: string
}
interface Probe {
  type: string
  httpGet: { path: string; port: number }
}
interface Cloud {
  image: string
  env: Variable[]
  /** Seconds from SIGTERM to SIGKILL. */
  grace: number
  port: number
  /** What decides on a restart. */
  liveness: string
}

const clouds: Record<string, () => Cloud> = {
  'ecs-task-definition'() {
    const { containerDefinitions } = block('ecs-task-definition') as {
      containerDefinitions: {
        image: string
        environment: Variable[]
        stopTimeout: number
        portMappings: { containerPort: number }[]
        healthCheck: { command: string[] }
      }[]
    }
    const { image, environment, stopTimeout, portMappings, healthCheck } = containerDefinitions[0]!
    const port = portMappings[0]!.containerPort
    const isLive = healthCheck.command.join(' ') === 'CMD /usr/local/bin/latchkey health --live'
    return { image, env: environment, grace: stopTimeout, port, liveness: isLive ? '/health/live' : '' }
  },
  'cloud-run-service'() {
    const { spec } = block('cloud-run-service') as {
      spec: {
        template: {
          spec: {
            containers: {
              image: string
              env: Variable[]
              ports: { containerPort: number }[]
              livenessProbe: Probe
            }[]
          }
        }
      }
    }
    const { image, env, ports, livenessProbe } = spec.template.spec.containers[0]!
    // https://cloud.google.com/run/docs/container-contract#instance-shutdown
    return { image, env, grace: 10, port: ports[0]!.containerPort, liveness: livenessProbe.httpGet.path }
  },
  'azure-container-app'() {
    const { properties } = block('azure-container-app') as {
      properties: {
        configuration: { ingress: { targetPort: number } }
        template: {
          terminationGracePeriodSeconds: number
          containers: { image: string; env: Variable[]; probes: Probe[] }[]
        }
      }
    }
    const { image, env, probes } = properties.template.containers[0]!
    const paths = Object.fromEntries(probes.map(({ type, httpGet }) => [type, httpGet.path]))
    expect(paths.Readiness).toBe('/health/ready')
    return {
      image,
      env,
      grace: properties.template.terminationGracePeriodSeconds,
      port: properties.configuration.ingress.targetPort,
      liveness: paths.Liveness!,
    }
  },
}

test.each(Object.keys(clouds))('%s', (name) => {
  const { image, env, grace, port, liveness } = clouds[name]!()
  expect(image).toEndWith(`/latchkey:${manifest.version}`)
  expect(liveness).toBe('/health/live')
  const written = Object.fromEntries(env.map((each) => [each.name, each.value]))
  const secrets: Record<string, string> = {
    SECRET_KEY: 'Xb9-kq2mV7_rT4yLw8zNf3cHj6pDs1gA5eQu0oRiMtE',
    STORE_URL: 'rediss+cluster://latchkey:password@redis.example:6379',
  }
  for (const secret of Object.keys(secrets)) {
    const place = written[secret] ?? written[`${secret}_FILE`] ?? ''
    expect(place).toMatch(
      /^(?:awssm:[\w/]+#\w+|gcpsm:projects\/[\w-]+\/secrets\/[\w-]+|\/run\/secrets\/\w+)$/,
    )
    delete written[`${secret}_FILE`]
  }
  // The image says these three.
  const ofTheImage = { NODE_ENV: 'production', HOST: '0.0.0.0', PORT: '5000' }
  const config = loadConfig({ ...ofTheImage, ...written, ...secrets }, { featureEntries })
  expect(config.port).toBe(port)
  expect(config.shutdownDelay + config.shutdownTimeout).toBeLessThan(grace)
  expect(config.refreshTokenGrace).toBeGreaterThan(10)
})
