/** Checks before going live of TLS, of what the address of the issuer answers, and of the process. */
import { X509Certificate } from 'node:crypto'
import { rootCertificates } from 'node:tls'
import manifest from '../../../package.json' with { type: 'json' }
import type { Config } from '../../config.ts'
import { readAuthorities, readNamed } from '../../config/named_files.ts'
import { lazy } from '../../lib/lazy.ts'
import { certificateChain } from '../tls_options.ts'
import type { Row, Sight } from './row.ts'

const dayMs = 86_400_000
/** Certificates of ACME are renewed 30 days before their end, and those of six days two days before. */
const soonDays = 7
/** Bytes. Latchkey itself, and the memory of some sign-ins at once (19 MiB each). */
const littleMemory = 192 * 1_048_576

const publicRoots = lazy(() => rootCertificates.map((pem) => new X509Certificate(pem)))

/** With OUTBOUND_CA_PATH the operator has an authority of its own, which clients are given. */
const rootsOf = ({ outboundCaPath }: Config): readonly X509Certificate[] => [
  ...publicRoots(),
  ...(outboundCaPath === undefined ? [] : readAuthorities('OUTBOUND_CA_PATH', outboundCaPath).certificates),
]

function ownChain(config: Config): X509Certificate[] {
  return config.tls ? certificateChain(config, readNamed('TLS_CERT_PATH', config.tls.certPath)) : []
}

/** The file has no fault of its own. */
const isUsable = ({ problems }: Sight): boolean =>
  !problems.some((each) => /^(TLS_|OUTBOUND_CA_PATH)/.test(each))

const leadsTo = (roots: readonly X509Certificate[], chain: readonly X509Certificate[]): boolean => {
  const last = chain.at(-1)
  return last === undefined || roots.some((root) => last.checkIssued(root) && last.verify(root.publicKey))
}

const isInOrder = (chain: readonly X509Certificate[]): boolean =>
  chain.every((each, at) => at === 0 || chain[at - 1]!.checkIssued(each))

const endsSoon = (validTo: number, now: number): string | undefined =>
  validTo > now && validTo - now < soonDays * dayMs
    ? `valid until ${new Date(validTo).toISOString()}, which is in ${Math.floor((validTo - now) / dayMs)} days`
    : undefined

/** Of 1.4.5 and 1.10.0 the second is newer. */
const isOlder = (version: string, than: string): boolean =>
  Bun.semver.order(version.replace(/[-+].*$/, ''), than) < 0

const leastBun = manifest.engines.bun.replace(/^>=/, '')

export const serverRows: readonly Row[] = [
  {
    name: 'tls_chain',
    level: 'warning',
    expected: 'the certificate of the server, then those of its authorities, up to one that clients know',
    mend: 'use the full chain of the authority; name a private one in OUTBOUND_CA_PATH, and give it to every client',
    link: 'deployment.md#tls',
    source: 'hardening plan, Transport & Identity',
    find(sight) {
      if (!isUsable(sight)) return undefined
      const chain = ownChain(sight.config)
      if (!isInOrder(chain))
        return 'a certificate in TLS_CERT_PATH is not that of the authority of the one before'
      return leadsTo(rootsOf(sight.config), chain)
        ? undefined
        : 'TLS_CERT_PATH leads to no public authority, and to none of OUTBOUND_CA_PATH'
    },
  },
  {
    name: 'tls_expiry',
    level: 'warning',
    expected: `a certificate that is valid for ${soonDays} days and more`,
    mend: 'renew it, and see why the renewal has not run',
    link: 'deployment.md#changes-without-a-restart',
    source: 'hardening plan, Transport & Identity',
    find(sight) {
      const [own] = isUsable(sight) ? ownChain(sight.config) : []
      const files = own && endsSoon(Date.parse(own.validTo), sight.now)
      const { validTo } = sight.served
      return files ?? (validTo === undefined ? undefined : endsSoon(validTo, sight.now))
    },
  },
  {
    name: 'issuer_answers',
    level: 'note',
    expected: 'an answer at ISSUER_URL, once the server and its proxy run',
    mend: 'start both, let this machine reach the address, and check again',
    link: 'deployment.md#tls',
    source: 'ASVS 13.1.1',
    find: ({ served }) => served.problem,
  },
  {
    name: 'served_certificate',
    level: 'error',
    expected: 'a certificate that clients trust, for the host of ISSUER_URL',
    mend: 'install a certificate of a public authority with its chain; for a private one set OUTBOUND_CA_PATH',
    link: 'deployment.md#tls',
    source: 'hardening plan, Transport & Identity',
    find: ({ served }) => served.distrust,
  },
  {
    name: 'served_issuer',
    level: 'error',
    expected: 'the metadata of this provider at ISSUER_URL, unchanged by the proxy',
    mend: 'let the proxy pass every path unchanged, and name its address in TRUSTED_PROXIES',
    link: 'deployment.md#tls',
    source: 'hardening plan, Transport & Identity',
    find({ served, config }) {
      if (served.status === undefined) return undefined
      if (served.status !== 200) return `the status ${served.status}`
      return served.issuer === config.issuer ? undefined : `the issuer ${served.issuer ?? 'is missing'}`
    },
  },
  {
    name: 'served_headers',
    level: 'warning',
    expected: 'the security headers that the provider sets',
    mend: 'let the proxy pass the headers of answers unchanged',
    link: 'deployment.md#tls',
    source: 'hardening plan, Deployment & Network',
    find({ served: { headers, status }, config }) {
      if (status !== 200 || !headers) return undefined
      const wanted = ['x-content-type-options', 'x-frame-options', 'content-security-policy', 'cache-control']
      const hsts = config.issuer.startsWith('https:') && config.hsts !== 'off'
      const missing = [...wanted, ...(hsts ? ['strict-transport-security'] : [])].filter(
        (name) => headers[name] === undefined,
      )
      return missing.length > 0 ? `missing: ${missing.join(', ')}` : undefined
    },
  },
  {
    name: 'account_of_the_process',
    level: 'warning',
    expected: 'an account without rights: this command runs under that of the service',
    mend: 'run the service, and this command, under an account of its own',
    link: 'deployment.md#systemd',
    source: 'ASVS 13.2.2; hardening plan, Container Security',
    find: ({ machine }) => (machine.uid === 0 ? 'root' : undefined),
  },
  {
    name: 'bun_version',
    level: 'error',
    expected: `Bun ${leastBun} or newer, or the binary`,
    mend: 'upgrade Bun',
    link: 'upgrading.md#what-a-release-has',
    source: 'ASVS 15.2.1',
    find: ({ machine: { bunVersion, isCompiled } }) =>
      !isCompiled && isOlder(bunVersion, leastBun) ? `Bun ${bunVersion}` : undefined,
  },
  {
    name: 'memory_limit',
    level: 'note',
    expected: 'a limit of memory, so that a flood ends this process and not its neighbours',
    mend: 'set MemoryMax of the unit, or the limit of the container, to 512 MiB or more',
    link: 'deployment.md#systemd',
    source: 'ASVS 13.1.2; hardening plan, Container Security',
    find: ({ machine }) => (machine.memoryLimit === undefined ? 'no limit' : undefined),
  },
  {
    name: 'little_memory',
    level: 'warning',
    expected: 'memory for the process and for passwords that are checked at once',
    mend: 'raise the limit to 512 MiB, or lower SIGN_IN_CONCURRENCY',
    link: 'deployment.md#docker',
    source: 'ASVS 13.1.2',
    find: ({ machine: { memoryLimit } }) =>
      memoryLimit !== undefined && memoryLimit < littleMemory
        ? `a limit of ${Math.floor(memoryLimit / 1_048_576)} MiB`
        : undefined,
  },
]
