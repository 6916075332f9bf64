/** The values of `prompt` that are served, with those that lead to the page of a feature. https://openid.net/specs/openid-connect-prompt-create-1_0.html */
import { promptValues } from '../auth/prompt.ts'
import type { Context } from '../contracts/context.ts'

/** The page of the sign-in that this value of `prompt` opens; undefined where it is not offered. */
export const pageOfPrompt = (prompt: string, context: Context, handle: string): string | undefined =>
  context.table.loginLinks.find((link) => link.prompt === prompt)?.path(context, { handle })

export const servedPrompts = (context: Context): string[] => [
  ...promptValues,
  ...context.table.loginLinks.flatMap(({ prompt, path }) =>
    prompt !== undefined && path(context, { handle: '' }) !== undefined ? [prompt] : [],
  ),
]
