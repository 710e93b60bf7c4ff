/** The program that chaos runs: it tells outside what it does, so that nothing need be believed. */
import { closeSync, mkdirSync, openSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Random } from './random.ts'

/** Where programs leave their traces, beyond the reach of server and agents. */
export class Witness {
  readonly #folder: string

  constructor(folder: string) {
    this.#folder = folder
    for (const path of ['locks', 'marks']) mkdirSync(join(folder, path), { recursive: true })
    closeSync(openSync(join(folder, 'tally'), 'a'))
  }

  /** `begin`, `end` and `overlap` lines: what, job, attempt. */
  tally(): readonly { what: string; job: string; attempt: number }[] {
    const text = readFileSync(join(this.#folder, 'tally'), 'utf8')
    return text
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => {
        const [what = '', job = '', attempt = ''] = line.split(' ')
        return { what, job, attempt: Number(attempt) }
      })
  }

  /** How many lines an attempt had certainly written. */
  linesWritten(job: string, attempt: number): number {
    try {
      return Number(readFileSync(join(this.#folder, 'marks', `${job}-${attempt}`), 'utf8')) || 0
    } catch {
      return 0
    }
  }

  /** Held by every process of a job until the last one is dead. */
  lock(job: string): string {
    return join(this.#folder, 'locks', job)
  }

  get folder(): string {
    return this.#folder
  }
}

export interface Program {
  readonly seed: string
  readonly lines: number
  readonly pauseS: string
  /** Leaves a process behind that tries to get away. */
  readonly escapes: boolean
  /** Said in one go at the end. */
  readonly burstBytes: number
}

export const randomProgram = (random: Random, maxPauseS: number): Program => ({
  seed: random.whole(0, 2 ** 32).toString(16),
  lines: random.whole(5, 40),
  pauseS: random.between(0.02, maxPauseS).toFixed(3),
  escapes: random.chance(0.15),
  burstBytes: random.chance(0.2) ? random.whole(100_000, 400_000) : 0,
})

/** Characters of several bytes, so that pieces end within them. */
const padding = 'ä€𝄞'.repeat(30)

const script = `
exec 9>>"$WITNESS/locks/$HEARTH_JOB"
flock -n 9 || echo "overlap $HEARTH_JOB $HEARTH_ATTEMPT" >>"$WITNESS/tally"
echo "begin $HEARTH_JOB $HEARTH_ATTEMPT" >>"$WITNESS/tally"
if [ "$ESCAPES" = 1 ]; then setsid sleep 3000 & fi
i=0
while [ $i -lt $LINES ]; do
  echo "line $i of $SEED $PADDING"
  metric="\\"type\\":\\"metric\\",\\"name\\":\\"loss\\",\\"value\\":$i,\\"step\\":$i"
  echo "{$metric}" >>"$HEARTH_EVENTS"
  i=$((i+1))
  echo $i >"$WITNESS/marks/$HEARTH_JOB-$HEARTH_ATTEMPT"
  sleep $PAUSE
done
if [ $BURST -gt 0 ]; then yes "$SEED" | head -c $BURST; fi
echo "end $HEARTH_JOB $HEARTH_ATTEMPT" >>"$WITNESS/tally"
`

export const planOf = (program: Program, witness: Witness) => ({
  command: ['/bin/sh', '-c', script],
  env: {
    WITNESS: witness.folder,
    SEED: program.seed,
    LINES: `${program.lines}`,
    PAUSE: program.pauseS,
    PADDING: padding,
    ESCAPES: program.escapes ? '1' : '0',
    BURST: `${program.burstBytes}`,
  },
  graceMs: 500,
})

/** What the program prints, byte for byte, when nothing ends it early. */
export const wholeLog = ({ seed, lines, burstBytes }: Program): Buffer => {
  const text = Array.from({ length: lines }, (_, i) => lineOf(seed, i)).join('')
  const burst = `${seed}\n`.repeat(Math.ceil(burstBytes / (seed.length + 1)))
  return Buffer.concat([Buffer.from(text), Buffer.from(burst).subarray(0, burstBytes)])
}

const lineOf = (seed: string, index: number): string => `line ${index} of ${seed} ${padding}\n`

/** The bytes of its first lines. */
export const firstLines = ({ seed }: Program, count: number): Buffer =>
  Buffer.from(Array.from({ length: count }, (_, i) => lineOf(seed, i)).join(''))
