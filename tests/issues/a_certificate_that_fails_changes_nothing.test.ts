/** Issue 9, line 46: a certificate that the runtime refuses closed the socket first, and none was open if the former one failed too. */
import { readFileSync, writeFileSync } from 'node:fs'
import { connect, type TLSSocket } from 'node:tls'
import { afterAll, expect, test } from 'bun:test'
import { openListener } from '../../src/cli/listener.ts'
import { loadConfig } from '../../src/config.ts'
import { featureEntries } from '../../src/table.ts'
import { makeCertificate } from '../support/certificate.ts'

const used = makeCertificate()
afterAll(() => used.remove())
const good = readFileSync(used.certPath, 'utf8')

const config = loadConfig(
  { PORT: '0', HOST: '127.0.0.1', TLS_CERT_PATH: used.certPath, TLS_KEY_PATH: used.keyPath },
  { featureEntries },
)

const open = (port: number) =>
  new Promise<TLSSocket>((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1', rejectUnauthorized: false }, () => resolve(socket))
    socket.once('error', reject)
  })

/** One request on a connection that stays open. */
function ask(socket: TLSSocket): Promise<string> {
  return new Promise((resolve) => {
    socket.once('data', (data: Buffer) => resolve(data.toString().split('\r\n')[0]!))
    socket.once('close', () => resolve('closed'))
    socket.write('GET / HTTP/1.1\r\nhost: localhost\r\n\r\n')
  })
}

/** Each passes the checks of a certificate and its key; the runtime refuses it when it listens. */
const refused: [string, () => Parameters<ReturnType<typeof openListener>['renew']>[0]][] = [
  ['cipher suites that do not exist', () => ({ ...config, tlsCiphers: ['NO-SUCH-SUITE' as never] })],
  [
    'a damaged certificate behind the first',
    () => {
      const damaged = '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n'
      writeFileSync(used.certPath, good + damaged)
      return config
    },
  ],
]

test.each(refused)('%s: the socket and its connections stay', async (_, changed) => {
  writeFileSync(used.certPath, good)
  const listener = openListener(config, () => new Response('here'))
  const socket = await open(listener.port)
  expect(await ask(socket)).toBe('HTTP/1.1 200 OK')
  for (let i = 0; i < 3; i++) expect(() => listener.renew(changed())).toThrow()
  expect(await ask(socket)).toBe('HTTP/1.1 200 OK')
  const another = await open(listener.port)
  expect(await ask(another)).toBe('HTTP/1.1 200 OK')
  socket.destroy()
  another.destroy()
  await listener.stop(true)
})
