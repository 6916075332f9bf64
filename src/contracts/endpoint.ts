/** The contract of an endpoint: one file each, one line in the table. */
import type { Context } from './context.ts'
import type { Call } from './call.ts'
import type { Reply } from './reply.ts'
import type { MethodMembers } from '../lib/http_method.ts'
import type { Api } from '../openapi/described.ts'
import type { Params } from '../auth/params.ts'

/** What answers one method. It gives a value back, or throws what `http/error_reply.ts` turns into one. */
export type Answer = (call: Call, context: Context) => Promise<Reply> | Reply

/** The fields of a form, with whatever its check has found beside them: the interaction, the session, the person. */
export interface Submitted {
  fields: Params
}

/**
 * Reads the form of a POST and checks that a page of this provider sent it, in this browser, for this purpose. Throws
 * what `requireOwnForm` throws. A `reply` is the answer in place of `post`, such as the way to the sign-in page.
 */
export type FormReader<T extends Submitted> = (call: Call, context: Context) => Promise<T | { reply: Reply }>

interface Described {
  /** As in the metadata: `token` is advertised as `token_endpoint`. */
  name: string
  /** Below the issuer's own path. */
  path: string
  /**
   * Who may read the answer from a script: `any` origin (public documents), origins of browser `client`s
   * (CORS_ALLOWED_ORIGINS), or nobody. Cookies are never part of it.
   */
  cors?: 'any' | 'client'
  /** True when RATE_LIMIT_PER_MINUTE counts its requests. */
  limited?: boolean
  /** Also reachable at these paths. */
  aliases?: readonly string[]
  /** False to leave it out of discovery, or a condition. */
  advertised?: false | ((context: Context) => boolean)
  /** An endpoint that takes access tokens: the scopes it asks of them. */
  resourceScopes?: readonly string[]
  /**
   * What /openapi.json says of each method, made when the document is first asked for. A page without it is not in the
   * document. False leaves out an endpoint that only pages of this provider load or call.
   */
  api?: Api
}

/**
 * An endpoint as the table holds it. It answers the methods it has a member for. HEAD runs `get` with a context that
 * keeps no write (`http/head_context.ts`); OPTIONS, `Allow` and 405 follow from the members.
 */
export interface Endpoint extends Described, MethodMembers<Answer> {
  /** Errors of pages are pages, those of APIs are JSON. */
  page?: boolean
  /** How `post` had its form checked. */
  form?: FormReader<Submitted> | undefined
}

type Other = Omit<MethodMembers<Answer>, 'post'>

/** `post` gets what `form` has read and checked. */
interface WithForm<T extends Submitted> extends Described, Other {
  page?: boolean
  form: FormReader<T>
  post(call: Call, context: Context, submitted: NoInfer<T>): Promise<Reply> | Reply
}

/** A page that takes no form, or an API. A page with `post` and no `form` does not compile. */
type WithoutForm = Described &
  Other &
  ({ page: true; form?: undefined; post?: never } | { page?: false; form?: undefined; post?: Answer })

export function defineEndpoint<T extends Submitted>(endpoint: WithForm<T>): Endpoint
export function defineEndpoint(endpoint: WithoutForm): Endpoint
export function defineEndpoint<T extends Submitted>(endpoint: WithForm<T> | WithoutForm): Endpoint {
  if (endpoint.form === undefined) return endpoint
  const { form, post } = endpoint
  return {
    ...endpoint,
    async post(call, context) {
      const submitted = await form(call, context)
      return 'fields' in submitted ? post(call, context, submitted) : submitted.reply
    },
  }
}
