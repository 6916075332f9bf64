/** Backups in a bucket of Amazon S3 or of a server with its protocol, by the client of the runtime. https://docs.aws.amazon.com/AmazonS3/latest/API/Welcome.html https://bun.com/docs/runtime/s3 */
import { S3Client } from 'bun'
import { type Env, given } from '../../config/read.ts'
import { Refusal, UsageError } from '../failure.ts'
import { printable } from '../output.ts'
import { awsCredentials, domainOf, regionIn } from '../secret_sources/aws_credentials.ts'
import { requirePrivate, SourceError } from '../secret_sources/source.ts'
import { type Place, taken, type Target } from './place.ts'
import { Unreachable } from './verify.ts'

export const isS3 = (path: string): boolean => path.startsWith('s3://')

/** Of one upload in parts. S3 takes 10,000 parts: 160 GB. */
const partBytes = 16_777_216
const patience = { tries: 5, firstPauseMs: 500 }
const credentialsTimeoutMs = 10_000

/** https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html */
const passing =
  /^(SlowDown|ServiceUnavailable|InternalError|RequestTimeout|ConnectionClosed|ConnectionRefused|Timeout)/

interface Parts {
  bucket: string
  /** '' or ends with a slash. */
  folder: string
  name: string | undefined
}

function partsOf(path: string): Parts {
  const [, bucket, key = ''] = /^s3:\/\/([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:\/(.*))?$/.exec(path) ?? []
  if (bucket === undefined || /^\/|\/\/|(^|\/)\.\.?(\/|$)/.test(key))
    throw new UsageError(`expected s3://BUCKET/FOLDER/ or s3://BUCKET/FOLDER/NAME, got ${printable(path)}`)
  const end = key.lastIndexOf('/') + 1
  return { bucket, folder: key.slice(0, end), name: key.slice(end) || undefined }
}

/** `stallMs`: without any progress of S3 for so long, what is under way fails. */
export function s3Target(path: string, env: Env, stallMs: number): Target {
  const { bucket, folder, name } = partsOf(path)
  return { place: s3Place({ bucket, folder, env, stallMs }), name }
}

interface Asking {
  bucket: string
  folder: string
  env: Env
  stallMs: number
}

function s3Place({ bucket, folder, env, stallMs }: Asking): Place {
  const shown = (name: string) => `s3://${bucket}/${folder}${name}`
  const endpoint = given(env, 'AWS_ENDPOINT_URL_S3') ?? given(env, 'AWS_ENDPOINT_URL')
  const region = regionIn(env) ?? (endpoint === undefined ? undefined : 'us-east-1')
  if (region === undefined)
    throw new Refusal('AWS_REGION is required with s3:// unless AWS_ENDPOINT_URL_S3 names a server')
  const url = endpoint ?? `https://s3.${region}.${domainOf(region)}`
  const credentials = awsCredentials(env, { timeoutMs: credentialsTimeoutMs, what: 's3://' })

  const refused = (what: string, error: unknown): Error => {
    if (error instanceof Refusal) return error
    if (error instanceof SourceError) return new Unreachable(`${what}: ${error.message}`)
    const { code, message } = error as { code?: string; message?: string }
    return new Unreachable(`${what}: S3 answered ${[code, message].filter(Boolean).join(': ')}`)
  }

  /** Rejects when it does not end in time. What was asked goes on, and its result is not used. */
  async function inTime<T>(work: Promise<T>): Promise<T> {
    const { promise, reject } = Promise.withResolvers<never>()
    const timer = setTimeout(
      () => reject(new Unreachable(`${url} has not answered for ${stallMs / 1000} seconds`)),
      stallMs,
    )
    try {
      return await Promise.race([work, promise])
    } finally {
      clearTimeout(timer)
    }
  }

  async function client(): Promise<S3Client> {
    const at = URL.parse(url)
    if (!at) throw new Refusal(`AWS_ENDPOINT_URL_S3: expected a URL, got ${printable(url)}`)
    requirePrivate(at, [])
    const { accessKeyId, secretAccessKey, sessionToken } = await credentials(region!)
    return new S3Client({
      ...{ accessKeyId, secretAccessKey, region: region!, endpoint: url, bucket },
      ...(sessionToken !== undefined && { sessionToken }),
    })
  }

  /** Asks again while S3 asks for patience. */
  async function ask<T>(what: string, work: (s3: S3Client) => Promise<T>): Promise<T> {
    for (let tries = 1; ; tries++) {
      try {
        return await inTime(client().then(work))
      } catch (error) {
        const isPassing = passing.test((error as { code?: string }).code ?? '')
        if (!isPassing || tries >= patience.tries) throw refused(what, error)
        await Bun.sleep(patience.firstPauseMs * 2 ** (tries - 1))
      }
    }
  }

  async function upload(name: string, parts: AsyncIterable<Uint8Array>): Promise<void> {
    const s3 = await client()
    const writer = s3.file(folder + name).writer({
      ...{ partSize: partBytes, queueSize: 2, retry: patience.tries },
      type: 'application/octet-stream',
    })
    try {
      for await (const part of parts) {
        void writer.write(part)
        await inTime(Promise.resolve(writer.flush()))
      }
      await inTime(Promise.resolve(writer.end()))
    } catch (error) {
      await inTime(Promise.resolve(writer.end(error as Error))).catch(() => {})
      throw error
    }
  }

  return {
    shown,
    async write(name, parts) {
      // Not by HEAD: a refusal of it has no reason.
      const { contents = [] } = await ask(shown(name), (s3) => s3.list({ prefix: folder + name, maxKeys: 1 }))
      if (contents[0]?.key === folder + name) throw taken(shown(name))
      await upload(name, parts).catch((error: unknown) => {
        throw refused(shown(name), error)
      })
    },
    async *read(name) {
      const file = await ask(shown(name), async (s3) => s3.file(folder + name))
      const reader = file.stream().getReader()
      try {
        for (;;) {
          const { done, value } = await inTime(reader.read())
          if (done) return
          yield value
        }
      } catch (error) {
        throw refused(shown(name), error)
      } finally {
        await reader.cancel().catch(() => {})
      }
    },
    async names() {
      const found: string[] = []
      for (let startAfter: string | undefined; ;) {
        const page = await ask(shown(''), (s3) =>
          s3.list({ prefix: folder, delimiter: '/', ...(startAfter !== undefined && { startAfter }) }),
        )
        const keys = (page.contents ?? []).map(({ key }) => key)
        found.push(...keys.map((key) => key.slice(folder.length)))
        startAfter = keys.at(-1)
        if (page.isTruncated !== true || startAfter === undefined) return found
      }
    },
    remove: (name) => ask(shown(name), (s3) => s3.delete(folder + name)),
  }
}
