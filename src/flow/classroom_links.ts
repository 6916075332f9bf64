/** The links of a classroom, for its board and for the command that makes it. */
import type { Config } from '../config.ts'
import { inGroups } from '../lib/base32.ts'
import type { Classroom } from '../models/classroom.ts'

export const classroomPaths = { join: '/classroom/join', board: '/classroom/board' } as const

/** A code as students type it. */
export const shownCode = ({ code }: Classroom): string => inGroups(code)

export const joinLink = ({ issuer }: Pick<Config, 'issuer'>, classroom: Classroom): string =>
  `${issuer}${classroomPaths.join}?${new URLSearchParams({ code: shownCode(classroom) })}`

/** A secret: who opens it is the teacher. */
export const teacherLink = ({ issuer }: Pick<Config, 'issuer'>, key: string): string =>
  `${issuer}${classroomPaths.board}?${new URLSearchParams({ key })}`
