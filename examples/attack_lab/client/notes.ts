/** The requests of the client to the API. */
import type { Lab } from '../lab.ts'
import type { SignedIn } from './sign_in.ts'

async function ask(
  lab: Lab,
  { accessToken, prove }: SignedIn,
  method: string,
  body?: string,
): Promise<Response> {
  const proof = await prove(method, lab.at.notes, accessToken)
  const scheme = 'dpop' in proof ? 'DPoP' : 'Bearer'
  return fetch(lab.at.notes, {
    method,
    headers: { ...proof, authorization: `${scheme} ${accessToken}`, 'user-agent': 'notes' },
    ...(body !== undefined && { body }),
  })
}

/** Nothing when the API does not accept the token. */
export async function readNotes(lab: Lab, signedIn: SignedIn): Promise<string[] | undefined> {
  const answer = await ask(lab, signedIn, 'GET')
  return answer.ok ? ((await answer.json()) as { notes: string[] }).notes : undefined
}

export const writeNote = (lab: Lab, signedIn: SignedIn, text: string): Promise<Response> =>
  ask(lab, signedIn, 'POST', text)
