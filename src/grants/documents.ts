/** Signs and encrypts documents as the client registered. https://openid.net/specs/openid-connect-registration-1_0.html#ClientMetadata */
import type { Context } from '../contracts/context.ts'
import type { ClientDocument, DocumentKind, DocumentWrapper } from '../contracts/feature.ts'
import type { Call } from '../contracts/call.ts'

/** OpenID Connect Core §5.3.2; RFC 9701 §5. */
const contentTypes: Partial<Record<DocumentKind, string>> = {
  introspection: 'application/token-introspection+jwt',
}

const stages: readonly DocumentWrapper['stage'][] = ['sign', 'encrypt']

/** The document, signed and then encrypted as the client registered; undefined when it registered neither. */
export async function wrapDocument(
  call: Call | undefined,
  context: Context,
  unwrapped: ClientDocument,
): Promise<{ body: string; contentType: string } | undefined> {
  const { documentWrappers } = context.table
  let body: string | undefined
  for (const stage of stages)
    for (const wrapper of documentWrappers) {
      if (wrapper.stage !== stage) continue
      const wrapping = wrapper.wrap(
        call,
        context,
        body === undefined ? unwrapped : { ...unwrapped, document: body },
      )
      if (wrapping === undefined) continue // true of most clients: no promise, so that their requests do not wait
      const wrapped = await wrapping
      if (wrapped === undefined) continue
      body = wrapped
      break
    }
  return body === undefined
    ? undefined
    : { body, contentType: contentTypes[unwrapped.kind] ?? 'application/jwt' }
}
