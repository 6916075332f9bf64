/** Where each program of the lab listens. Every one is on 127.0.0.1 alone. */

/** Ports in the order of `start.ts`. */
export const defaultPorts = [8800, 8801, 8802, 8803, 8804, 8805, 8806] as const

export interface Addresses {
  /** The board with the lessons. */
  board: string
  /** Latchkey. */
  provider: string
  /** The client, a web application that keeps notes. */
  client: string
  /** The API that has the notes. */
  api: string
  /** What the API is called in `resource` and `aud`. */
  notes: string
  /** The attacker: another site than `localhost`, as browsers count sites. */
  attacker: string
  /** The attacker under the name of a neighbour: the same site as the provider, as a forgotten sub-domain would be. */
  neighbour: string
  /** What the weather API of the attacker is called in `resource` and `aud`. */
  weather: string
  /** A toy provider for lessons whose weakness Latchkey does not have. While its switch is off, it leads to Latchkey. */
  door: string
  /** A server of the company that trusts every program on this machine. */
  inside: string
}

export function addressesAt(ports: readonly number[]): Addresses {
  const [board, provider, client, api, attacker, door, inside] = ports.map(
    (port) => `http://localhost:${port}`,
  )
  const attackerSite = attacker!.replace('localhost', '127.0.0.1')
  return {
    board: board!,
    provider: provider!,
    client: client!,
    api: api!,
    notes: `${api!}/notes`,
    attacker: attackerSite,
    neighbour: attacker!,
    weather: `${attackerSite}/weather-api`,
    door: door!,
    inside: inside!,
  }
}

/** Text that was written for the default ports, for these. */
export function rewritten(text: string, at: Addresses): string {
  const usual = addressesAt(defaultPorts)
  return Object.entries(usual).reduce(
    (so, [name, address]) => so.replaceAll(hostOf(address), hostOf(at[name as keyof Addresses])),
    text,
  )
}

const hostOf = (address: string): string => new URL(address).host

export const portOf = (address: string): number => Number(new URL(address).port)
