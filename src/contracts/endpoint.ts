/** The contract of an endpoint: one file each, one line in the table. */
import type { Context } from './context.ts'
import type { Call } from './call.ts'
import type { Reply } from './reply.ts'
import type { MethodMembers } from '../lib/http_method.ts'
import type { Api } from '../openapi/described.ts'
import type { IconName } from '../html/icon.ts'
import type { Params } from '../auth/params.ts'

/** The handler of one method. It returns a reply, or throws an error that `http/error_reply.ts` turns into one. */
export type Answer = (call: Call, context: Context) => Promise<Reply> | Reply

/** The fields of a form, with the records that its check has loaded: the interaction, the session, the account. */
export interface Submitted {
  fields: Params
}

/**
 * Reads the form of a POST and checks that a page of this provider sent it, in this browser, for this purpose. Throws
 * what `requireOwnForm` throws. A `reply` is sent in place of that of `post`, such as a redirect to the sign-in page.
 */
export type FormReader<T extends Submitted> = (call: Call, context: Context) => Promise<T | { reply: Reply }>

/** What an endpoint has beside its handlers. */
export interface Head {
  /**
   * Whether there is such an endpoint for this call: by the host name, the address. False: the answer is that of an
   * unknown path, and the documents of this provider do not name it.
   */
  exists?(call: Call, context: Context): boolean
  /** True: its errors are problem details (RFC 9457), with what was expected and what came. */
  problems?: true
  /** True: where the request names the host of a page base, cookies, forms and session are those of that host (http/page_base.ts). */
  atPageBases?: true
  /** The name in the discovery document: `token` is advertised as `token_endpoint`. */
  name: string
  /** Below the path of the issuer. `{name}` is any one segment; `/*` at its end is everything below. */
  path: string
  /**
   * The origins whose scripts may read the response: `any` (public documents), those of CORS_ALLOWED_ORIGINS and of
   * `call.client` (`client`; `registration` where CORS_REDIRECT_ORIGINS includes it), or none. Cookies are never allowed.
   */
  cors?: 'any' | 'client' | 'registration'
  /** True when every address may ask over plain HTTP (`http/plain_http.ts`): probes do, and there is nothing secret. */
  plainHttp?: true
  /** True: answered also while the clock of this instance is off. */
  whateverTheClock?: true
  /**
   * True: RATE_LIMIT_PER_MINUTE counts its requests, before it handles them. `by_proof`: a request that proves a
   * client or an access token counts in a window of that client or token, any other by its address.
   */
  limited?: true | 'by_proof'
  /** Also reachable at these paths. */
  aliases?: readonly string[]
  /**
   * What becomes of a repetition of a form that succeeded a moment ago. By default `post` runs, and when it refuses, the
   * repetition is led where the first one led. `known`: it is led there without a run, which would count as a failure.
   * `refused`: never; a script sends the form once, so a second one is a replay.
   */
  repetition?: 'known' | 'refused'
  /** Whether discovery advertises it: false, or a condition. */
  advertised?: false | ((context: Context) => boolean)
  /** For a protected resource: the scopes that it requires. */
  resourceScopes?: readonly string[]
  /** The path of the resource that it is a part of, which is then the audience of its tokens. Default: its own path. */
  resource?: string
  /**
   * What /openapi.json says of each method, made when the document is first asked for. A page without it is not in the
   * document. False leaves out an endpoint that only pages of this provider load or call.
   */
  api?: Api
  /** Its row in the menu of the teaching lab, smallest `order` first (flow/lab_page.ts). */
  labMenu?: { order: number; icon: IconName; title: string; about: string }
}

/**
 * An endpoint of the table. It serves the methods for which it has a member. HEAD runs `get` with a context that discards
 * writes (`http/head_context.ts`); OPTIONS, `Allow` and 405 follow from the members.
 */
export interface Endpoint extends Head, MethodMembers<Answer> {
  /** True for a page: its errors are pages. Other errors are JSON. */
  page?: boolean
  /** The check of the form of `post`. */
  form?: FormReader<Submitted> | undefined
  /** What `post` does with a form that was checked. `http/sent_form.ts` runs both for a page. */
  submit?: Submit<Submitted> | undefined
  /** Loads the module of an endpoint of which a start has the head alone (deferred_endpoint.ts). */
  whole?(): Promise<Endpoint>
}

type Submit<T extends Submitted> = (call: Call, context: Context, submitted: T) => Promise<Reply> | Reply

/** A browser sends GET and POST alone, so a page has no other member: `put` and `delete` would escape the check of a form. */
type OnlyGet = { get?: Answer; put?: never; patch?: never; delete?: never }

/** `post` receives the result of `form`. */
interface WithForm<T extends Submitted> extends Head, OnlyGet {
  page?: boolean
  form: FormReader<T>
  post(call: Call, context: Context, submitted: NoInfer<T>): Promise<Reply> | Reply
}

/** A page that takes no form, or an API. A page with `post` and no `form` does not compile. */
type WithoutForm = Head & { form?: undefined } & (
    (OnlyGet & { page: true; post?: never }) | (MethodMembers<Answer> & { page?: false })
  )

export function defineEndpoint<T extends Submitted>(endpoint: WithForm<T>): Endpoint
export function defineEndpoint(endpoint: WithoutForm): Endpoint
export function defineEndpoint<T extends Submitted>(endpoint: WithForm<T> | WithoutForm): Endpoint {
  if (endpoint.form === undefined) return endpoint
  const { form, post } = endpoint
  return {
    ...endpoint,
    submit: (call, context, submitted) => post(call, context, submitted as T),
    async post(call, context) {
      const submitted = await form(call, context)
      return 'fields' in submitted ? post(call, context, submitted) : submitted.reply
    },
  }
}
