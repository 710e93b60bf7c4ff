/** The shell scripts of the other machine: what begins, watches and ends a program there. */
import type { Plan } from 'hearth/executor'
import { quote } from './ssh.ts'

export interface RemoteRun {
  /** The folder of the attempt there. */
  readonly folder: string
  readonly command: Plan['command']
  readonly env: Readonly<Record<string, string>>
}

/** Outlives a signal to its group, so as to write down how the program ended. */
const watch = [
  'trap : TERM',
  'echo $$ >"$0/pid.new"; mv "$0/pid.new" "$0/pid"',
  '"$@" >>"$0/log" 2>&1 </dev/null',
  'echo $? >"$0/exit.new"; mv "$0/exit.new" "$0/exit"',
].join('\n')

/** `mkdir` succeeds once: however often this comes, the program is begun one time. */
export const begin = ({ folder, command, env }: RemoteRun): string => {
  const exports = Object.entries(env).map(([name, value]) => `export ${name}=${quote(value)}`)
  const words = ['sh', '-c', watch, folder, ...command].map(quote).join(' ')
  return `
cd ${quote(folder)} && mkdir -p home tmp && touch log events && mkdir claimed 2>/dev/null || exit 0
${exports.join('\n')}
cd work || exit 0
setsid ${words} >/dev/null 2>&1 </dev/null &
until [ -e ../pid ]; do sleep 0.05; done
`
}

export interface Offsets {
  readonly log: number
  readonly events: number
}

/**
 * Prints `none`, `running`, `lost` or the exit code, and how many bytes of the log come after that
 * line; then those, then what is new of the events. The end is looked for first: what was written
 * before it is read after it.
 */
export const look = (folder: string, { log, events }: Offsets): string => `
cd ${quote(folder)} 2>/dev/null && [ -d claimed ] || { echo none 0; exit; }
[ -e pid ] || sleep 1
if [ -e exit ]; then state=$(cat exit)
elif kill -0 -"$(cat pid)" 2>/dev/null; then state=running
elif [ -e exit ]; then state=$(cat exit)
else state=lost; fi
new=$(($(wc -c <log) - ${log}))
echo "$state $new"
tail -c +${log + 1} log | head -c "$new"
tail -c +${events + 1} events
`

/** TERM, the grace, KILL; by a process of its own, since we may be gone by then. */
export const end = (folder: string, word: string, graceMs: number): string => `
cd ${quote(folder)} && echo ${word} >control.new && mv control.new control
group=-"$(cat pid)"
kill -TERM "$group" 2>/dev/null
setsid sh -c 'sleep "$0"; [ -e exit ] || kill -KILL "$1"' ${graceMs / 1000} "$group" \\
  >/dev/null 2>&1 </dev/null &
`

export const remove = (folder: string): string => `
cd ${quote(folder)} 2>/dev/null || exit 0
[ -e pid ] && kill -KILL -"$(cat pid)" 2>/dev/null
cd / && rm -rf ${quote(folder)}
`
