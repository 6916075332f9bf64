/** The attack lab for a test, on ports of its own, and its texts with those addresses. */
import { defaultPorts, rewritten } from '../../examples/attack_lab/addresses.ts'
import { type RunningLab, startLab } from '../../examples/attack_lab/running.ts'
import { document } from '../support/document.ts'
import { freePort } from '../support/free_port.ts'

export const startOnFreePorts = (): Promise<RunningLab> => startLab(defaultPorts.map(() => freePort()))

/** A document of the lab, for this lab. Its commands find the board by a variable. */
export const documentFor = ({ at }: RunningLab, path: string): string =>
  `\`\`\`sh\nexport ATTACK_LAB=${at.board}\n\`\`\`\n${rewritten(document(`examples/attack_lab/${path}`), at)}`
