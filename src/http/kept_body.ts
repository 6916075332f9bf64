/** Keeps the beginning of the body that the provider reads of a request. What it does not read is not kept, and is not read for this. */

const longest = 64_000

const streamOf = Object.getOwnPropertyDescriptor(Request.prototype, 'body')?.get

/** Undefined while nothing was read. */
export function keptBody(request: Request): () => string | undefined {
  let text: string | undefined
  const keep = (more: string) => (text = ((text ?? '') + more).slice(0, longest))
  const kept = () => {
    const decoder = new TextDecoder()
    const stream = streamOf?.call(request) as ReadableStream<Uint8Array> | null | undefined
    return stream?.pipeThrough(
      new TransformStream<Uint8Array, Uint8Array>({
        transform(chunk, controller) {
          if ((text?.length ?? 0) < longest) keep(decoder.decode(chunk, { stream: true }))
          controller.enqueue(chunk)
        },
      }),
    )
  }
  // `Request` has no hook for its body: the two ways in which http/call.ts reads it are replaced on this object.
  Object.defineProperties(request, {
    text: {
      value: async () => {
        const whole = await Request.prototype.text.call(request)
        keep(whole)
        return whole
      },
    },
    body: { get: () => kept() ?? null },
  })
  return () => text
}
