/** One growing number for all that a follower of a job sees: where in the log, and what since. */

/** 8 GiB of log for a job; beyond, followers get no more of it (reading it by offset goes on). */
const maxPosition = 2 ** 33 - 1
/** Changes of a job's state and progress that followers are told of. */
const maxVersion = 2 ** 18 - 1
const low = 2 ** 20

/** Messages of one version come in this order. */
export const messageKinds = ['log', 'progress', 'state', 'end'] as const
export type MessageKind = (typeof messageKinds)[number]

/**
 * The position counts log bytes over all attempts, so both parts only ever grow: whichever does,
 * the cursor grows too.
 */
export const cursorOf = (position: number, version: number, kind: MessageKind): number =>
  Math.min(Math.max(position, 0), maxPosition) * low +
  (kind === 'log' ? 0 : Math.min(version, maxVersion) * 4 + messageKinds.indexOf(kind))

export const positionOf = (cursor: number): number => Math.floor(cursor / low)

export const versionOf = (cursor: number): number => Math.floor((cursor % low) / 4)
