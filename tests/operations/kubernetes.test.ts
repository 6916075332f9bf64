/**
 * deploy/kubernetes: built by kubectl, checked against the schemas of Kubernetes as `kubeconform -strict` does, and its
 * parts fit together. No cluster is needed. https://kubernetes.io/docs/reference/kubernetes-api/
 */
import { describe, expect, test } from 'bun:test'
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { validate as deployment } from 'kubernetes-models/_schemas/IoK8sApiAppsV1Deployment'
import { validate as autoscaler } from 'kubernetes-models/_schemas/IoK8sApiAutoscalingV2HorizontalPodAutoscaler'
import { validate as configMap } from 'kubernetes-models/_schemas/IoK8sApiCoreV1ConfigMap'
import { validate as namespace } from 'kubernetes-models/_schemas/IoK8sApiCoreV1Namespace'
import { validate as service } from 'kubernetes-models/_schemas/IoK8sApiCoreV1Service'
import { validate as serviceAccount } from 'kubernetes-models/_schemas/IoK8sApiCoreV1ServiceAccount'
import { validate as networkPolicy } from 'kubernetes-models/_schemas/IoK8sApiNetworkingV1NetworkPolicy'
import { validate as disruptionBudget } from 'kubernetes-models/_schemas/IoK8sApiPolicyV1PodDisruptionBudget'
import manifest from '../../package.json' with { type: 'json' }
import { commandLine } from '../support/command.ts'
import { provider } from '../support/provider.ts'

interface Container {
  image: string
  ports: { name: string; containerPort: number }[]
  envFrom: { configMapRef: { name: string } }[]
  securityContext: unknown
  resources: { requests: Record<string, string>; limits: Record<string, string> }
  volumeMounts: { name: string; mountPath: string; readOnly: boolean }[]
  [probe: `${string}Probe`]: { httpGet: { path: string; port: string } }
}
/** What this file reads of the resources. */
interface Resource {
  apiVersion: string
  kind: string
  metadata: { name: string; namespace?: string; labels?: Record<string, string> }
  data: Record<string, string>
  automountServiceAccountToken: boolean
  spec: {
    replicas?: number
    selector: { matchLabels: Record<string, string> }
    minReplicas: number
    maxUnavailable: number
    scaleTargetRef: { kind: string; name: string }
    podSelector: unknown
    ingress: { ports: { port: number }[] }[]
    ports: { targetPort: string }[]
    template: {
      metadata: { labels: Record<string, string> }
      spec: {
        serviceAccountName: string
        automountServiceAccountToken: boolean
        enableServiceLinks: boolean
        terminationGracePeriodSeconds: number
        securityContext: unknown
        containers: Container[]
        volumes: { name: string; secret: { secretName: string; defaultMode: number } }[]
      }
    }
  }
}

type Validate = ((data: unknown) => boolean) & { errors?: unknown }
const schemas: Record<string, Validate> = {
  'apps/v1 Deployment': deployment as Validate,
  'autoscaling/v2 HorizontalPodAutoscaler': autoscaler as Validate,
  'v1 ConfigMap': configMap as Validate,
  'v1 Namespace': namespace as Validate,
  'v1 Service': service as Validate,
  'v1 ServiceAccount': serviceAccount as Validate,
  'networking.k8s.io/v1 NetworkPolicy': networkPolicy as Validate,
  'policy/v1 PodDisruptionBudget': disruptionBudget as Validate,
}

/** Kubernetes ignores members that it does not know; the validators read each member that they know. So one that is not read is unknown. */
function faultsOf(resource: Resource): string[] {
  const validate = schemas[`${resource.apiVersion} ${resource.kind}`]
  if (!validate) return [`no schema for ${resource.apiVersion} ${resource.kind}`]
  const unread = new Set<string>()
  const watched = (value: unknown, path: string): unknown => {
    if (typeof value !== 'object' || value === null) return value
    const inner = Object.entries(value).map(([key, each]) => {
      unread.add(`${path}/${key}`)
      return [key, watched(each, `${path}/${key}`)] as const
    })
    const copy = Array.isArray(value) ? inner.map(([, each]) => each) : Object.fromEntries(inner)
    return new Proxy(copy as Record<PropertyKey, unknown>, {
      get(target, key) {
        unread.delete(`${path}/${String(key)}`)
        return target[key]
      },
    })
  }
  const isValid = validate(watched(resource, ''))
  const faults = isValid ? [] : [JSON.stringify(validate.errors)]
  return [...faults, ...[...unread].map((path) => `${resource.kind}${path} is unknown`)]
}

/** The example overlay, and with it the base. */
function build(): Resource[] {
  const kubectl = Bun.which('kubectl')
  if (!kubectl) throw new Error('kubectl is missing: apt-get install kubernetes-client')
  const folder = mkdtempSync(join(tmpdir(), 'latchkey-kubernetes-'))
  try {
    cpSync(join(import.meta.dir, '../../deploy/kubernetes'), folder, { recursive: true })
    const run = () => Bun.spawnSync([kubectl, 'kustomize', join(folder, 'example')])
    let built = run()
    if (built.stderr.toString().includes('must be a file')) {
      // The kubectl of Debian 12 (1.20) has folders under another name.
      const path = join(folder, 'example/kustomization.yaml')
      const text = readFileSync(path, 'utf8')
      writeFileSync(path, text.replace('\n  - ../base', '\nbases:\n  - ../base'))
      built = run()
    }
    if (built.exitCode !== 0) throw new Error(`kubectl kustomize: ${built.stderr}`)
    return Bun.YAML.parse(built.stdout.toString()) as Resource[]
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

const resources = build()
const the = (kind: string) => resources.find((each) => each.kind === kind)!
const pod = the('Deployment').spec.template.spec
const container = pod.containers[0]!

describe('deploy/kubernetes', () => {
  test('every resource keeps to its schema and has no unknown member', () => {
    expect(resources.map(({ kind }) => kind).sort()).toEqual(
      Object.keys(schemas)
        .map((name) => name.split(' ')[1]!)
        .sort(),
    )
    expect(resources.flatMap(faultsOf)).toEqual([])
  })

  test('a wrong type and a misspelt member are found', () => {
    const wrong = structuredClone(the('Deployment'))
    Object.assign(wrong.spec.template.spec, { terminationGracePeriodSeconds: 'forty' })
    expect(faultsOf(wrong).join()).toContain('terminationGracePeriodSeconds')
    const misspelt = structuredClone(the('Deployment'))
    Object.assign(misspelt.spec.template.spec.containers[0]!, { readinesProbe: {} })
    expect(faultsOf(misspelt)).toEqual([
      'Deployment/spec/template/spec/containers/0/readinesProbe is unknown',
    ])
  })

  test('the pod has no rights: no root, no capability, no token, a file system that is read-only', () => {
    expect(pod.securityContext).toMatchObject({
      runAsNonRoot: true,
      runAsUser: 65532,
      seccompProfile: { type: 'RuntimeDefault' },
    })
    expect(container.securityContext).toEqual({
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'] },
    })
    expect([pod.automountServiceAccountToken, the('ServiceAccount').automountServiceAccountToken]).toEqual([
      false,
      false,
    ])
    expect(pod.enableServiceLinks).toBe(false) // LATCHKEY_PORT of Kubernetes is no setting of ours
    for (const kind of ['requests', 'limits'] as const)
      expect(Object.keys(container.resources[kind]).sort()).toEqual(['cpu', 'memory'])
    expect(the('Namespace').metadata.labels).toEqual({ 'pod-security.kubernetes.io/enforce': 'restricted' })
    expect(container.image).toBe(`registry.example.com/latchkey:${manifest.version}`)
  })

  test('all parts mean the same pods, and the budget leaves some of them', () => {
    const labels = the('Deployment').spec.template.metadata.labels
    const selected = ['Deployment', 'PodDisruptionBudget'].map((kind) => the(kind).spec.selector.matchLabels)
    expect(selected).toEqual([labels, labels])
    expect(the('Service').spec.selector).toEqual(labels as never)
    expect(the('NetworkPolicy').spec.podSelector).toEqual({ matchLabels: labels })
    const { scaleTargetRef, minReplicas } = the('HorizontalPodAutoscaler').spec
    expect(scaleTargetRef).toMatchObject({ kind: 'Deployment', name: the('Deployment').metadata.name })
    expect(the('Deployment').spec.replicas).toBeUndefined()
    expect(minReplicas).toBeGreaterThan(the('PodDisruptionBudget').spec.maxUnavailable)
    const [port] = container.ports
    expect(the('Service').spec.ports[0]!.targetPort).toBe(port!.name)
    expect(the('NetworkPolicy').spec.ingress[0]!.ports).toMatchObject([{ port: port!.containerPort }])
    expect(pod.serviceAccountName).toBe(the('ServiceAccount').metadata.name)
    expect(container.envFrom[0]!.configMapRef.name).toBe(the('ConfigMap').metadata.name)
  })

  test('the probes ask what the provider serves', async () => {
    const secret = {
      SECRET_KEY: 'Xb9-kq2mV7_rT4yLw8zNf3cHj6pDs1gA5eQu0oRiMtE',
      STORE_URL: 'sqlite:./none.db',
    }
    const { ISSUER_URL = '', TRUSTED_PROXIES = '' } = the('ConfigMap').data
    const op = await provider({ env: { NODE_ENV: 'production', ISSUER_URL, TRUSTED_PROXIES, ...secret } })
    const kubelet = '10.0.0.9'
    const paths = ['startup', 'liveness', 'readiness'].map((name) => {
      const { path, port } = container[`${name}Probe`]!.httpGet
      expect(port).toBe(container.ports[0]!.name)
      return path
    })
    expect(paths).toEqual(['/health/live', '/health/live', '/health/ready'])
    for (const path of paths) expect((await op.fetch(path, {}, kubelet)).status).toBe(200)
    expect((await op.fetch('/', {}, kubelet)).status).toBe(403)
  })

  test('an instance starts with these settings, and a stop has the time that it needs', async () => {
    const [volume] = pod.volumes
    const [mount] = container.volumeMounts
    expect([mount!.name, mount!.readOnly, volume!.secret.secretName]).toEqual([
      volume!.name,
      true,
      'latchkey',
    ])
    const folder = mkdtempSync(join(tmpdir(), 'latchkey-secrets-'))
    writeFileSync(join(folder, 'secret_key'), 'Xb9-kq2mV7_rT4yLw8zNf3cHj6pDs1gA5eQu0oRiMtE')
    writeFileSync(join(folder, 'store_url'), 'redis+cluster://:password@redis.store:6379')
    const env = Object.fromEntries(
      Object.entries(the('ConfigMap').data).map(([name, value]) => [
        name,
        value.replace(mount!.mountPath, folder),
      ]),
    )
    const line = commandLine({ NODE_ENV: 'production', ...env })
    const { settings } = await line.json<{ settings: Record<string, string> }>('config', 'check', '--json')
    line.remove()
    rmSync(folder, { recursive: true })
    expect(settings).toMatchObject({
      ISSUER_URL: 'https://id.example.com',
      PORT: `${container.ports[0]!.containerPort}`,
    })
    expect(Number(settings.SHUTDOWN_DELAY) + Number(settings.SHUTDOWN_TIMEOUT)).toBeLessThan(
      pod.terminationGracePeriodSeconds,
    )
  }, 60_000)
})
