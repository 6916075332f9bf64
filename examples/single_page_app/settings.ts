/** Where the provider and the API are, and which client this is: from the server that has the page. */
export interface Settings {
  issuer: string
  clientId: string
  /** The URI of the API; absent without one. */
  api?: string
}

export const settings = (await (await fetch('/config.json')).json()) as Settings
