/** A real nginx that speaks TLS before a provider that does not. https://nginx.org/en/docs/http/ngx_http_proxy_module.html */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Certificate } from './certificate.ts'

export interface Nginx {
  stop(): Promise<void>
}

/**
 * Runs the nginx.conf of `folder`, which the end takes with it. Resolves once `isUp` says so; throws what nginx said
 * when it never does.
 */
export async function runNginx(folder: string, isUp: () => Promise<boolean>): Promise<Nginx> {
  const program = Bun.which('nginx') ?? Bun.which('nginx', { PATH: '/usr/sbin:/usr/local/sbin:/sbin' })
  if (!program) throw new Error('nginx is missing: apt-get install nginx-light')
  const child = Bun.spawn(
    [program, '-p', folder, '-c', join(folder, 'nginx.conf'), '-g', 'daemon off; master_process off;'],
    { stdio: ['ignore', 'ignore', 'pipe'] },
  )
  const stop = async () => {
    child.kill('SIGKILL')
    await child.exited
    rmSync(folder, { recursive: true, force: true })
  }
  for (const end = Date.now() + 60_000; Date.now() < end;) {
    if (await isUp().catch(() => false)) return { stop }
    if (child.exitCode !== null) break
    await Bun.sleep(25)
  }
  await stop()
  throw new Error(`nginx did not start: ${await new Response(child.stderr).text()}`)
}

/** Listens on `port` and passes everything on to `upstream` (host:port), as a proxy of production would. */
export async function startNginx(port: number, upstream: string, certificate: Certificate): Promise<Nginx> {
  const folder = mkdtempSync(join(tmpdir(), 'latchkey-nginx-'))
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (name) => `${name}_temp_path ${folder}/${name};`,
  )
  writeFileSync(
    join(folder, 'nginx.conf'),
    `pid ${folder}/pid;
error_log ${folder}/error.log;
events {}
http {
  access_log off;
  ${temporary.join('\n  ')}
  server {
    listen 127.0.0.1:${port} ssl;
    ssl_certificate ${certificate.certPath};
    ssl_certificate_key ${certificate.keyPath};
    location / {
      proxy_pass http://${upstream};
      proxy_http_version 1.1;
      proxy_set_header Host $http_host;
      proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
      proxy_set_header X-Forwarded-Proto $scheme;
    }
  }
}
`,
  )
  return runNginx(
    folder,
    async () => (await fetch(`https://localhost:${port}/`, { tls: { ca: certificate.pem } })).status > 0,
  )
}
