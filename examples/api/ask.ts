/** Requests to the provider, with limits: a slow, failing or hostile answer must not take this server down with it. */

export type Ask = (url: string, init: RequestInit) => Promise<Response>

/** The provider cannot be asked now. This says nothing about a token: the answer is 503, never 401. */
export class Unavailable extends Error {
  override readonly name = 'Unavailable'
}

const limits = { ms: 3_000, bytes: 262_144 }

/** The JSON of an answer 200, or `Unavailable`. No redirect is followed: only the provider itself is believed. */
export async function askJson(
  url: string,
  init: RequestInit = {},
  ask: Ask = fetch,
): Promise<Record<string, unknown>> {
  try {
    const signal = AbortSignal.timeout(limits.ms)
    const response = await ask(url, { ...init, redirect: 'manual', signal })
    if (response.status !== 200) throw new Error(`status ${response.status}`)
    return JSON.parse(await boundedText(response)) as Record<string, unknown>
  } catch (error) {
    throw new Unavailable(`${url}: ${(error as Error).message}`, { cause: error })
  }
}

/** Reads at most so much: `content-length` may lie or be missing. */
export async function boundedText(response: Response, bytes = limits.bytes): Promise<string> {
  const decoder = new TextDecoder()
  let [text, read] = ['', 0]
  for await (const chunk of response.body ?? []) {
    read += chunk.byteLength
    if (read > bytes) throw new Error(`more than ${bytes} bytes`)
    text += decoder.decode(chunk, { stream: true })
  }
  return text + decoder.decode()
}

/**
 * The metadata of the provider, asked for at the first use and kept: this server starts while its provider does not answer.
 * https://www.rfc-editor.org/rfc/rfc8414#section-3.3
 */
export function metadataOf(issuer: string): () => Promise<Record<string, unknown>> {
  let known: Promise<Record<string, unknown>> | undefined
  const load = async () => {
    const metadata = await askJson(`${issuer}/.well-known/openid-configuration`)
    if (metadata.issuer !== issuer) throw new Unavailable(`the metadata are of ${String(metadata.issuer)}`)
    return metadata
  }
  return () => {
    const asked = (known ??= load())
    asked.catch(() => (known = undefined)) // a failure is not kept
    return asked
  }
}
