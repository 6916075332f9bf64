/** The implicit and the hybrid flow: tokens in the address of the browser, to see why a code is better. */
import type { Rule } from '../../../auth/rule.ts'
import type { Pairs } from '../draft.ts'
import {
  type Answer,
  type Finding,
  type RunFlow,
  kept,
  type Making,
  type Reading,
  type RunStep,
} from '../flow.ts'
import { idTokenFindings } from '../id_token.ts'
import { authorizeStep, codeRequest, pathOf, responseFindings, tokenStep, userinfoStep } from '../steps.ts'
import { newRequest } from './code.ts'

const names = ['code', 'access_token', 'id_token', 'token_type']

/** What must be in the answer, and what the ID Token must say of it. */
async function readFront(making: Making, answer: Answer, wanted: readonly string[]): Promise<Reading> {
  const values = kept(answer.members, names)
  const missing = wanted.filter((name) => values[name] === undefined)
  const there: Finding = {
    held: missing.length === 0,
    about: `The answer has ${wanted.join(' and ')}.`,
    rule: 'OAuth Multiple Response Types §5',
    expected: wanted.join(', '),
    came: Object.keys(values).join(', ') || 'none of them; they are in the part of the address after #',
  }
  return {
    values,
    findings: [
      there,
      ...responseFindings(making, answer),
      ...(await idTokenFindings(making, values.id_token, {
        nonce: making.values.nonce,
        accessToken: values.access_token,
        code: values.code,
      })),
    ],
  }
}

/** Without a code there is nothing that PKCE could protect. */
const requestFor = (making: Making, responseType: string): Pairs =>
  codeRequest(making).flatMap(([name, value]): Pairs => {
    if (name === 'response_type') return [[name, responseType]]
    return name.startsWith('code_') && !responseType.includes('code') ? [] : [[name, value]]
  })

const frontStep = (
  responseType: string,
  wanted: readonly string[],
  words: { about: string; rule: Rule; tries: readonly string[] },
): RunStep => ({
  ...authorizeStep,
  ...words,
  draft: (making) => ({
    method: 'GET',
    path: pathOf(making.context, 'authorization'),
    headers: [],
    params: requestFor(making, responseType),
  }),
  read: (making, answer) => readFront(making, answer, wanted),
})

const implicitStep = frontStep('id_token token', ['id_token', 'access_token'], {
  about:
    'The tokens come in the address of the redirect URI, after #. A browser keeps them in its history, scripts of the page read them, and nothing proves that the client which receives them is the one that asked.',
  rule: 'OpenID Connect Core §3.2.2.1',
  tries: [
    'Empty nonce: an ID Token that comes by the browser could be one of another sign-in, so it is required.',
    'Set response_mode=query under “More parameters”: tokens in a query would be in the logs of servers.',
    'At the redirect URI, look at the address: what is after # never reached this server.',
    'Give the client another access_token than came: at_hash shows it.',
  ],
})

const hybridStep = frontStep('code id_token', ['code', 'id_token'], {
  about:
    'An ID Token comes by the browser, with the hash of the code (c_hash). The access token does not pass through the browser. PKCE, iss and nonce give the code flow the same safety with less.',
  rule: 'OpenID Connect Core §3.3.2.1',
  tries: [
    'Give the client another code than came: c_hash shows it.',
    'Set response_mode=form_post under “More parameters”: the answer comes in the body of a POST.',
  ],
})

export const implicit: RunFlow = {
  name: 'implicit',
  title: 'Implicit flow, to see why not',
  about: 'Tokens in the address of the browser. RFC 9700 tells clients not to use it.',
  rule: 'RFC 9700 §2.1.2',
  client: 'confidential',
  begin: newRequest,
  steps: [implicitStep, userinfoStep],
}

export const hybrid: RunFlow = {
  name: 'hybrid',
  title: 'Hybrid flow',
  about: 'A code and an ID Token by the browser, the access token by the token endpoint.',
  rule: 'OpenID Connect Core §3.3',
  client: 'confidential',
  begin: newRequest,
  steps: [hybridStep, tokenStep, userinfoStep],
}
