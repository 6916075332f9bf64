/** What must outlive the way to the provider and back: a key that no script can read, and what the answer is compared with. https://developer.mozilla.org/en-US/docs/Web/API/IndexedDB_API */

export interface Pending {
  /** Of this sign-in alone. Its private key cannot be exported, not even by a script of an attacker on this page. */
  keys: CryptoKeyPair
  pkceCodeVerifier: string
  expectedNonce: string
  maxAge: number | undefined
  acrValues: string | undefined
  /** The person of whom this page is; undefined for a sign-in by hand, which any person may do. */
  expectedSub: string | undefined
  startedAt: number
}

const lastsFor = 10 * 60_000

const done = <T>(request: IDBRequest<T>): Promise<T> =>
  new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result)
    request.onerror = () => reject(request.error ?? new Error('the browser keeps nothing for this page'))
  })

async function pendings(): Promise<IDBObjectStore> {
  const opening = indexedDB.open('single_page_app', 1)
  opening.onupgradeneeded = () => opening.result.createObjectStore('pending')
  return (await done(opening)).transaction('pending', 'readwrite').objectStore('pending')
}

/** By `state`, so that two tabs are two sign-ins. Those that came to no end are removed. */
export async function remember(state: string, pending: Pending): Promise<void> {
  const store = await pendings()
  for (const key of await done(store.getAllKeys())) {
    const { startedAt } = (await done(store.get(key))) as Pending
    if (pending.startedAt - startedAt > lastsFor) store.delete(key)
  }
  await done(store.put(pending, state))
}

/** Once. In another browser there is none, so that the answer of an attacker's sign-in is of no use here. */
export async function take(state: string): Promise<Pending | undefined> {
  const store = await pendings()
  const pending = (await done(store.get(state))) as Pending | undefined
  await done(store.delete(state))
  return pending && Date.now() - pending.startedAt <= lastsFor ? pending : undefined
}

const name = 'signed_in_as'

/** Who was signed in in this tab: no token, only whom to ask the provider for after a reload. */
export const lastPerson = {
  get: (): string | undefined => sessionStorage.getItem(name) ?? undefined,
  set: (sub: string): void => sessionStorage.setItem(name, sub),
  forget: (): void => sessionStorage.removeItem(name),
}
