/** Where everything about an attempt lies in its folder: agent, shim and executors agree on it. */
import { join } from 'node:path'

/** Paths inside the folder of one attempt. */
export const attemptFiles = (folder: string) => ({
  /** What was assigned (`SpecFile`); written whole, flushed and renamed by the agent. */
  spec: join(folder, 'spec.json'),
  /** Made once by the shim that may run the program. */
  claimed: join(folder, 'claimed'),
  /** Written by the agent just before it asks an executor to start: the point of no return. */
  starting: join(folder, 'starting.json'),
  /** The program's output, appended by the kernel straight from the program. */
  log: join(folder, 'log'),
  /** JSON lines appended by the program: HEARTH_EVENTS. */
  events: join(folder, 'events'),
  /** The program's own folder. */
  work: join(folder, 'work'),
  /** HOME and TMPDIR of the program. */
  home: join(folder, 'home'),
  tmp: join(folder, 'tmp'),
  /** Holds the word `pause` or `cancel` once the program is to end: HEARTH_CONTROL. */
  control: join(folder, 'control'),
  /** A decimal number of `monotonicMs`: the shim ends the attempt once it is past. */
  deadline: join(folder, 'deadline'),
  /** The outcome, written by the shim when nothing of the program runs any more. */
  exit: join(folder, 'exit.json'),
  /** What the agent will tell the server, kept from the moment it is decided. */
  ended: join(folder, 'ended.json'),
})
export type AttemptFiles = ReturnType<typeof attemptFiles>
