/** Verifies an exported trail: with the public keys alone, or also by the MACs. Names the first entry that is wrong, and how. docs/audit.md */
import type { VerificationKeys } from '../../auth/jws.ts'
import { sha256 } from '../../lib/hash.ts'
import { ownMember } from '../../lib/own_member.ts'
import { beginning, type Checkpoint, type Covered, readCheckpoint } from './checkpoint.ts'
import { createChainCheck, type Finding } from './verify_chain.ts'
import { type MacKey, readLine } from './entry.ts'
import { outside, type Ranges } from './ranges.ts'

export interface Verification {
  checkpoints: number
  /** The number and the time (ISO 8601) of the newest checkpoint. */
  newest?: { number: number; at: string; digest: string } | undefined
  chains: number
  entries: number
  /** Of which the retention is over. */
  dropped: number
  /** Newer than the newest checkpoint: by the public key alone nothing is known of them. */
  uncovered: number
  /** Empty when the trail is as it was written. The first one of each chain is certain; later ones may follow from it. */
  findings: Finding[]
}

export interface Demands {
  /** Public keys of checkpoints. */
  keys: VerificationKeys
  /** Without it, that of the file. */
  issuer?: string | undefined
  /** Keys of AUDIT_SIGNING_KEY, where they are at hand. */
  macKeys?: readonly MacKey[] | undefined
  /**
   * Where the entries of each chain begin, of a part of a trail: a checkpoint that was signed, and is not of the part, says
   * what was before. What was dropped in the part is not compared with the entries that say so, which are later.
   */
  after?: Readonly<Record<string, Covered>> | undefined
  /** A checkpoint that was noted elsewhere: it must be part of the trail. */
  seen?: { number: number; digest: string } | undefined
}

const mostFindings = 100

interface Read {
  checkpoints: Checkpoint[]
  findings: Finding[]
  newestText: string
}

/** Line by line, in the order of `exportLines`: what is read once is not kept. */
export async function verifyTrail(
  lines: AsyncIterable<string> | Iterable<string>,
  { keys, issuer, macKeys, seen, after }: Demands,
): Promise<Verification> {
  const read: Read = { checkpoints: [], findings: [], newestText: '' }
  const find = (finding: Finding) => void (read.findings.length < mostFindings && read.findings.push(finding))
  let iss = issuer
  let before: { number: number; digest: string } | undefined
  let check: ReturnType<typeof createChainCheck> | undefined
  const done = new Set<string>()
  const stubs = new Map<string, Ranges>()
  const records = new Map<string, Ranges>()
  const sums = { entries: 0, dropped: 0, uncovered: 0 }
  /** Entries are compared with the checkpoints that were read before them. */
  let hasEntries = false
  let at = 0

  const newest = () => read.checkpoints.at(-1)
  const finish = () => {
    if (!check) return
    const { entries, dropped, uncovered } = check.end()
    sums.entries += entries
    sums.dropped += dropped
    sums.uncovered += uncovered
    done.add(check.chain)
    check = undefined
  }
  /** A deletion of all checkpoints before the first one of the file leaves a sequence that is whole. */
  const endCheckpoints = () => {
    if (hasEntries) return
    hasEntries = true
    const [first, last] = [read.checkpoints[0], newest()]
    if (!after && first && last && first.number > last.first)
      find({
        problem: 'checkpoint',
        text: `the first checkpoint is ${first.number}, and checkpoint ${last.number} needs all from ${last.first} on: they were left out`,
      })
  }
  const begin = (chain: string) => {
    finish()
    endCheckpoints()
    if (done.has(chain))
      find({ chain, problem: 'order', text: `line ${at} is of the chain ${chain}, whose lines ended before` })
    return createChainCheck({
      chain,
      start: beginning(iss ?? '', chain),
      after: after && ownMember(after, chain),
      checkpoints: read.checkpoints,
      macKeys,
      find,
      stubs,
      records,
    })
  }

  function readSigned(jws: string): void {
    const checkpoint = readCheckpoint(keys, jws)
    const number = before ? before.number + 1 : undefined
    const name = checkpoint ? `checkpoint ${checkpoint.number}` : `the checkpoint of line ${at}`
    if (hasEntries)
      return find({
        problem: 'checkpoint',
        text: `${name} stands after entries: they were verified without it, because it was moved`,
      })
    if (!checkpoint) {
      find({
        problem: 'checkpoint',
        text: `${name} was not signed by any of the given keys: it was edited, or is of another deployment`,
      })
      before = before && { number: before.number + 1, digest: sha256(jws) }
      return
    }
    iss ??= checkpoint.iss
    if (checkpoint.iss !== iss)
      find({ problem: 'checkpoint', text: `${name} is of another deployment: ${checkpoint.iss}, not ${iss}` })
    if (before && checkpoint.number !== number)
      find({
        problem: 'checkpoint',
        text: `expected checkpoint ${number}, got ${name}: checkpoints are missing, or not in order`,
      })
    else if (before && checkpoint.prev !== before.digest)
      find({
        problem: 'checkpoint',
        text: `${name} does not follow the checkpoint before it: one of them was replaced`,
      })
    const isNext = !before || checkpoint.number > before.number
    before = { number: checkpoint.number, digest: sha256(jws) }
    if (seen?.number === checkpoint.number && seen.digest !== before.digest)
      find({
        problem: 'replaced',
        text: `${name} is not the one that was noted: the trail was replaced since`,
      })
    if (isNext) read.checkpoints.push(checkpoint)
  }

  for await (const text of lines) {
    // So many are wrong that more of them say nothing: a hostile file costs no more than this.
    if (read.findings.length >= mostFindings) break
    at += 1
    if (text === '') continue
    const special = at === 1 || text.startsWith('{"checkpoint"') ? readSpecial(text) : undefined
    if (special?.checkpoint !== undefined) {
      readSigned(special.checkpoint)
      continue
    }
    if (special?.issuer !== undefined) {
      if (issuer !== undefined && special.issuer !== issuer)
        find({
          problem: 'checkpoint',
          text: `the file is of another deployment: ${special.issuer}, not ${issuer}`,
        })
      continue
    }
    const line = readLine(text)
    if (!line) {
      const where = check ? `after entry ${check.last()} of ${check.chain}` : 'before any entry'
      find({
        ...(check && { chain: check.chain, seq: check.last() + 1 }),
        problem: 'unreadable',
        text: `line ${at} (${where}) is not an entry: it was edited`,
      })
      continue
    }
    if (check?.chain !== line.chain) check = begin(line.chain)
    check.take(line)
  }
  finish()
  endCheckpoints()

  const last = newest()
  if (!last) find({ problem: 'checkpoint', text: 'there is no checkpoint: nothing of the trail is signed' })
  for (const [chain, { seq, base: ofChain }] of Object.entries(last?.chains ?? {})) {
    const base = (after && ownMember(after, chain)) ?? ofChain
    if (!done.has(chain) && seq > base.seq)
      find({
        chain,
        seq: base.seq + 1,
        problem: 'missing',
        text: `entries ${base.seq + 1} to ${seq} of ${chain} are missing: all of the chain was deleted`,
      })
  }
  if (seen && (!last || last.number < seen.number))
    find({
      problem: 'cut',
      text: `checkpoint ${seen.number} was noted, and the trail ends at checkpoint ${last?.number ?? 'none'}: its end was cut off`,
    })
  const [first] = read.checkpoints
  if (seen && first && seen.number < first.number)
    find({
      problem: 'cut',
      text: `checkpoint ${seen.number} was noted, and the trail begins at checkpoint ${first.number}: it cannot be compared, because the retention removed it or the trail was replaced. Name a newer one`,
    })
  for (const [chain, ranges] of after ? [] : stubs)
    for (const [from, to] of outside(ranges, records.get(chain) ?? []))
      find({
        chain,
        seq: from,
        problem: 'dropped',
        text: `${from === to ? `entry ${from} of ${chain} was` : `entries ${from} to ${to} of ${chain} were`} dropped, and no entry of the kind entries_dropped says so`,
      })
  return {
    checkpoints: read.checkpoints.length,
    newest: last && {
      number: last.number,
      at: new Date(last.time).toISOString(),
      digest: before?.digest ?? '',
    },
    chains: done.size,
    ...sums,
    findings: read.findings,
  }
}

function readSpecial(text: string): { checkpoint?: string; issuer?: string } | undefined {
  try {
    const { checkpoint, latchkey_audit: version, iss } = JSON.parse(text) as Record<string, unknown>
    if (typeof checkpoint === 'string') return { checkpoint }
    return typeof version === 'number' && typeof iss === 'string' ? { issuer: iss } : undefined
  } catch {
    return undefined
  }
}
