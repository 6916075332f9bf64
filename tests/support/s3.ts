/** A server that answers as the documentation of Amazon S3 says: signatures, uploads in parts, lists in pages, errors. https://docs.aws.amazon.com/AmazonS3/latest/API/Welcome.html */
import { createHash, createHmac } from 'node:crypto'

export const s3Key = { id: 'AKIDEXAMPLE', secret: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY' }

export interface S3 {
  env: Record<string, string>
  objects: Map<string, Uint8Array<ArrayBuffer>>
  /** `METHOD key?parameters` of each request that was signed, in order. */
  asked: string[]
  /** Decides about a request by its place in that order: another answer, or one that never comes. Undefined: as usual. */
  odd: (at: number, what: string) => Response | Promise<Response> | undefined
  /** Uploads in parts that were begun, and neither completed nor aborted. */
  open(): number
  stop(): void
}

export const s3Error = (status: number, code: string, message = 'as the test says'): Response =>
  new Response(
    `<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>${code}</Code><Message>${message}</Message><Resource>/</Resource><RequestId>4442587FB7D0A2F9</RequestId></Error>`,
    { status, headers: { 'content-type': 'application/xml' } },
  )

/** https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html */
function isSigned(request: Request, secret: string): boolean {
  const url = new URL(request.url)
  const [, scope = '', names = '', signature] =
    /Credential=[^/]+\/([^,]+), ?SignedHeaders=([^,]+), ?Signature=(\w+)/.exec(
      request.headers.get('authorization') ?? '',
    ) ?? []
  const [date = '', region = '', service = ''] = scope.split('/')
  const query = [...url.searchParams]
    .map((pair) => pair.map((each) => encodeURIComponent(each)).join('='))
    .toSorted()
    .join('&')
  const canonical = [
    request.method,
    url.pathname,
    query,
    ...names.split(';').map((name) => `${name}:${request.headers.get(name)?.trim()}`),
    '',
    names,
    request.headers.get('x-amz-content-sha256'),
  ].join('\n')
  const hash = createHash('sha256').update(canonical).digest('hex')
  const toSign = ['AWS4-HMAC-SHA256', request.headers.get('x-amz-date'), scope, hash].join('\n')
  const derived = [date, region, service, 'aws4_request'].reduce<string | Buffer>(
    (last, part) => createHmac('sha256', last).update(part).digest(),
    `AWS4${secret}`,
  )
  return createHmac('sha256', derived).update(toSign).digest('hex') === signature
}

const xml = (text: string): Response =>
  new Response(`<?xml version="1.0" encoding="UTF-8"?>\n${text}`, {
    headers: { 'content-type': 'application/xml' },
  })
const etagOf = (bytes: Uint8Array<ArrayBuffer>): string =>
  `"${createHash('md5').update(bytes).digest('hex')}"`

/** `pageSize`: how many keys a list has at most. */
export function startS3(bucket = 'backups', pageSize = 1000): S3 {
  const uploads = new Map<string, { key: string; parts: Map<number, Uint8Array<ArrayBuffer>> }>()

  function list(parameters: URLSearchParams): Response {
    const prefix = parameters.get('prefix') ?? ''
    const after = parameters.get('start-after') ?? ''
    const inFolder = (key: string) => !key.slice(prefix.length).includes('/')
    const all = [...s3.objects.keys()]
      .filter((key) => key.startsWith(prefix) && key > after && inFolder(key))
      .toSorted()
    const page = all.slice(0, pageSize)
    const contents = page.map(
      (key) =>
        `<Contents><Key>${key}</Key><LastModified>2026-11-29T00:00:00.000Z</LastModified><ETag>&quot;x&quot;</ETag><Size>${s3.objects.get(key)!.length}</Size><StorageClass>STANDARD</StorageClass></Contents>`,
    )
    return xml(
      `<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Name>${bucket}</Name><Prefix>${prefix}</Prefix><KeyCount>${page.length}</KeyCount><MaxKeys>1000</MaxKeys><IsTruncated>${all.length > page.length}</IsTruncated>${contents.join('')}</ListBucketResult>`,
    )
  }

  function complete(id: string): Response {
    const upload = uploads.get(id)
    if (!upload) return s3Error(404, 'NoSuchUpload')
    uploads.delete(id)
    const parts = [...upload.parts].toSorted(([a], [b]) => a - b).map(([, part]) => part)
    const whole = new Uint8Array(Buffer.concat(parts))
    s3.objects.set(upload.key, whole)
    return xml(
      `<CompleteMultipartUploadResult><Bucket>${bucket}</Bucket><Key>${upload.key}</Key><ETag>${etagOf(whole)}</ETag></CompleteMultipartUploadResult>`,
    )
  }

  function begin(key: string): Response {
    const id = `upload-${uploads.size + 1}-${crypto.randomUUID()}`
    uploads.set(id, { key, parts: new Map() })
    return xml(
      `<InitiateMultipartUploadResult><Bucket>${bucket}</Bucket><Key>${key}</Key><UploadId>${id}</UploadId></InitiateMultipartUploadResult>`,
    )
  }

  function put(key: string, parameters: URLSearchParams, bytes: Uint8Array<ArrayBuffer>): Response {
    const id = parameters.get('uploadId')
    if (id === null) s3.objects.set(key, bytes)
    else if (uploads.has(id)) uploads.get(id)!.parts.set(Number(parameters.get('partNumber')), bytes)
    else return s3Error(404, 'NoSuchUpload')
    return new Response(null, { headers: { etag: etagOf(bytes) } })
  }

  function get(key: string, method: string): Response {
    const found = s3.objects.get(key)
    if (!found) return method === 'HEAD' ? new Response(null, { status: 404 }) : s3Error(404, 'NoSuchKey')
    return new Response(found, { headers: { etag: etagOf(found) } })
  }

  function remove(key: string, parameters: URLSearchParams): Response {
    const id = parameters.get('uploadId')
    if (id === null) s3.objects.delete(key)
    else uploads.delete(id)
    return new Response(null, { status: 204 })
  }

  function answer(
    method: string,
    key: string,
    parameters: URLSearchParams,
    bytes: Uint8Array<ArrayBuffer>,
  ): Response {
    if (key === '' && parameters.has('list-type')) return list(parameters)
    if (method === 'POST')
      return parameters.has('uploads') ? begin(key) : complete(parameters.get('uploadId') ?? '')
    if (method === 'PUT') return put(key, parameters, bytes)
    return method === 'DELETE' ? remove(key, parameters) : get(key, method)
  }

  const server = Bun.serve({
    ...{ hostname: '127.0.0.1', port: 0, idleTimeout: 0 },
    async fetch(request) {
      const { pathname, searchParams, search } = new URL(request.url)
      const bytes = new Uint8Array(await request.arrayBuffer())
      const [, name, key = ''] = /^\/([^/]+)\/?(.*)$/.exec(decodeURIComponent(pathname)) ?? []
      if (!isSigned(request, s3Key.secret)) return s3Error(403, 'SignatureDoesNotMatch')
      if (name !== bucket) return s3Error(404, 'NoSuchBucket')
      const what = `${request.method} ${key}${search}`
      s3.asked.push(what)
      return (await s3.odd(s3.asked.length, what)) ?? answer(request.method, key, searchParams, bytes)
    },
  })
  const s3: S3 = {
    env: {
      AWS_ACCESS_KEY_ID: s3Key.id,
      AWS_SECRET_ACCESS_KEY: s3Key.secret,
      AWS_REGION: 'eu-central-1',
      AWS_ENDPOINT_URL_S3: `http://127.0.0.1:${server.port}`,
    },
    objects: new Map(),
    asked: [],
    odd: () => undefined,
    open: () => uploads.size,
    stop: () => void server.stop(true),
  }
  return s3
}
