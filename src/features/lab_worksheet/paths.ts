/** The paths of the worksheet: what is known while none of its code is loaded. */

export const worksheetPath = '/lab/worksheet'
export const worksheetLivePath = '/lab/worksheet/live'
export const worksheetPurpose = 'lab_worksheet'
