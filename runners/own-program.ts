/** How to start this same program again: for what must run on when the one who began it is gone. */
import { join } from 'node:path'

/** Compiled it is the binary; from source, what Bun runs. */
export const ownProgram = (): string[] =>
  import.meta.dir.startsWith('/$bunfs') || import.meta.dir.startsWith('B:')
    ? [process.execPath]
    : [process.execPath, '--smol', join(import.meta.dir, '../src/main.ts')]
