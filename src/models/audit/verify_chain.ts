/** Verifies the lines of one chain, in order. docs/audit.md */
import { ownMember } from '../../lib/own_member.ts'
import { type Checkpoint, type Covered, hashAfter, markLength, markOf, type Segment } from './checkpoint.ts'
import { type Line, macOf, type MacKey, misfit } from './entry.ts'
import { addTo, type Ranges, readRanges } from './ranges.ts'

export interface Finding {
  chain?: string
  /** The first entry that is wrong. */
  seq?: number
  problem:
    | 'checkpoint'
    | 'cut'
    | 'dropped'
    | 'edited'
    | 'key'
    | 'missing'
    | 'order'
    | 'replaced'
    | 'schema'
    | 'time'
    | 'twice'
    | 'unreadable'
  text: string
}

interface Given {
  chain: string
  /** Where a chain of this name begins. */
  start: Covered
  /** Where the entries of a part begin. */
  after: Covered | undefined
  checkpoints: readonly Checkpoint[]
  macKeys: readonly MacKey[] | undefined
  find(finding: Finding): void
  /** Entries that were dropped, and what `entries_dropped` says of them, by chain. */
  stubs: Map<string, Ranges>
  records: Map<string, Ranges>
}

const mostLooks = 100

interface Signed {
  segment: Segment
  hash: string
}

export function createChainCheck({ chain, start, after, checkpoints, macKeys, find, stubs, records }: Given) {
  const signed: Signed[] = checkpoints.flatMap((checkpoint) =>
    checkpoint.segments
      .filter((segment) => segment.chain === chain)
      .map((segment) => ({ segment, hash: ownMember(checkpoint.chains, chain)?.hash ?? '' })),
  )
  const final = ownMember(checkpoints.at(-1)?.chains ?? {}, chain)
  const base = after ?? final?.base ?? start
  const toCover = signed.filter(({ segment }) => segment.to > base.seq)
  const sums = { entries: 0, dropped: 0, uncovered: 0 }
  let { seq, mac, hash } = base
  let time = 0
  let digests: string[] = []
  let isEdited = false
  let isUnsigned = false
  let index = 0
  let looks = 0

  const say = (problem: Finding['problem'], at: number, text: string) =>
    find({ chain, seq: at, problem, text })

  /** The signed mark of an entry; undefined for one that no checkpoint covers. */
  function markAt(at: number): string | undefined {
    while (toCover[index] && toCover[index]!.segment.to < at) index += 1
    const segment = toCover[index]?.segment
    if (!segment || at < segment.from) return undefined
    const from = (at - segment.from) * markLength
    return segment.marks.slice(from, from + markLength)
  }

  /** Where a digest belongs, if a checkpoint names it elsewhere. Each look walks all marks, so a hostile file gets few. */
  function placeOf(digest: string): number | undefined {
    if (looks++ >= mostLooks) return undefined
    for (const { segment } of toCover)
      for (let at = 0; at < segment.marks.length; at += markLength)
        if (segment.marks.startsWith(markOf(digest), at)) return segment.from + at / markLength
    return undefined
  }

  function endSegment(): void {
    const ended = toCover[index]
    if (ended?.segment.to !== seq) return
    const { from, to } = ended.segment
    const expected = ended.hash
    if (!isEdited && hashAfter(hash, digests) !== expected)
      say(
        'edited',
        from,
        `one of the entries ${from} to ${to} of ${chain} was edited: the signed hash differs`,
      )
    hash = expected
    digests = []
    isEdited = false
  }

  function skip(to: number): void {
    const last = Math.min(to, final?.seq ?? 0)
    say(
      'missing',
      seq + 1,
      seq + 1 === to
        ? `entry ${to} of ${chain} is missing: it was deleted or moved`
        : `entries ${seq + 1} to ${to} of ${chain} are missing: they were deleted or moved`,
    )
    // The segments in which they were cannot be recomputed: begin again after them.
    while (toCover[index] && toCover[index]!.segment.to <= last) {
      hash = toCover[index]!.hash
      index += 1
      digests = []
    }
    isEdited = true
    mac = ''
    seq = to
  }

  /** Whether the MAC proves the entry; without AUDIT_SIGNING_KEY nothing is proven or refuted. */
  function checkMac(line: Line): boolean {
    if (!macKeys || mac === '') return false
    const key = macKeys.find(({ id }) => id === line.key)
    if (!key)
      say(
        'key',
        line.seq,
        `entry ${line.seq} of ${chain} was made with the key ${line.key}, which AUDIT_SIGNING_KEY does not have`,
      )
    else if (macOf(key, mac, line.digest) !== line.mac)
      say(
        'edited',
        line.seq,
        `entry ${line.seq} of ${chain} was edited, or the entry before it: its MAC does not hold`,
      )
    else return true
    return false
  }

  /** `isProven`: a checkpoint signed it, or its MAC holds. */
  function checkEntry({ seq: at, entry }: Line, isProven: boolean): void {
    if (!entry) {
      sums.dropped += 1
      if (!stubs.has(chain)) stubs.set(chain, [])
      return addTo(stubs.get(chain)!, at)
    }
    const moment = Date.parse(entry.time)
    if (moment < time)
      say('time', at, `entry ${at} of ${chain} is of ${entry.time}, before the entry that precedes it`)
    time = Math.max(time, moment)
    const wrong = misfit(entry)
    if (wrong !== undefined)
      say('schema', at, `entry ${at} of ${chain}: details.${wrong} is not of the kind ${entry.kind}`)
    if (entry.kind !== 'entries_dropped' || !isProven) return
    const { chain: of, ranges } = entry.details as { chain?: string; ranges?: string }
    if (of === undefined || ranges === undefined) return
    if (!records.has(of)) records.set(of, [])
    records.get(of)!.push(...readRanges(ranges))
  }

  return {
    chain,
    last: () => seq,
    take(line: Line): void {
      sums.entries += 1
      if (line.seq <= seq) {
        const words = line.seq <= base.seq ? 'was dropped before' : 'stands twice, or not in its place'
        say(line.seq <= base.seq ? 'order' : 'twice', line.seq, `entry ${line.seq} of ${chain} ${words}`)
        return
      }
      if (line.seq > seq + 1) skip(line.seq - 1)
      const mark = markAt(line.seq)
      if (mark === undefined && line.seq <= (final?.seq ?? 0) && !isUnsigned) {
        isUnsigned = true
        say(
          'missing',
          line.seq,
          `no checkpoint of the file signs entry ${line.seq} of ${chain}, although a later one counts it`,
        )
      }
      const isOther = mark !== undefined && mark !== markOf(line.digest)
      if (isOther) {
        const place = placeOf(line.digest)
        const how = place === undefined ? 'was edited' : `is what was written as entry ${place}`
        say('edited', line.seq, `entry ${line.seq} of ${chain} ${how}: it is not what the checkpoint signed`)
        isEdited = true
      }
      const holds = !isOther && checkMac(line)
      checkEntry(line, !isOther && (mark !== undefined || holds))
      ;({ seq, mac } = line)
      if (mark === undefined) sums.uncovered += 1
      else digests.push(line.digest)
      endSegment()
    },
    end() {
      const expected = final?.seq ?? 0
      if (seq < expected)
        say(
          'cut',
          seq + 1,
          `${chain} ends at entry ${seq}, and a checkpoint signed entries up to ${expected}: the end was cut off`,
        )
      return sums
    },
  }
}
