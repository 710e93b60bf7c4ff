/** Makes what a program writes to, and gives it to the user that the program runs as. */
import {
  chmodSync,
  chownSync,
  closeSync,
  lchownSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
} from 'node:fs'
import { join } from 'node:path'
import { attemptFiles } from './attempt-files.ts'

/** Everything the program writes to is there before it starts, and belongs to who it runs as. */
export const giveFolders = (folder: string, owner: number | null): void => {
  const { work, home, tmp, log, events } = attemptFiles(folder)
  for (const path of [work, home, tmp]) {
    mkdirSync(path, { recursive: true, mode: 0o700 })
  }
  for (const path of [log, events]) closeSync(openSync(path, 'a', 0o600))
  if (owner === null) return
  for (const path of [log, events]) chownSync(path, owner, owner)
  for (const path of [work, home, tmp]) chownAll(path, owner)
  // That user passes through to its own files. Other users of the host are kept out above.
  for (const path of [folder, work]) chmodSync(path, 0o711)
}

/** A file with a second name may be an input that other jobs share: it stays whose it is. */
const chownAll = (path: string, owner: number): void => {
  lchownSync(path, owner, owner)
  for (const entry of readdirSync(path, { withFileTypes: true })) {
    const below = join(path, entry.name)
    if (entry.isDirectory()) chownAll(below, owner)
    else if (lstatSync(below).nlink === 1) lchownSync(below, owner, owner)
  }
}
