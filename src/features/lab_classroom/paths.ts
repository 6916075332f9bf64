/** The paths of classrooms: what is known while none of their code is loaded. */

import { classroomPaths } from '../../flow/classroom_links.ts'

export const joinPath = classroomPaths.join
export const boardPath = classroomPaths.board
export const boardLivePath = '/classroom/board/live'
export const openPath = '/classroom/open'
export const resultsPath = '/classroom/results.csv'

export const joinPurpose = 'classroom_join'
export const boardPurpose = 'classroom_board'
