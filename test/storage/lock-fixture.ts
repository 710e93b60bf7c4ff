/** A process that locks the folder it is given, says so, and stays until it is killed. */
import { lockDataDir } from '../../src/storage/lock.ts'

const lock = lockDataDir(process.argv[2] ?? '')
process.stdout.write('locked\n')
setInterval(() => lock, 60_000)
