/**
 * Runs attempts on another machine that has only a shell and an SSH server. What is known of a
 * program lies in a folder there, so that agent and connection may be lost at any moment.
 */
import { appendFileSync } from 'node:fs'
import { constants } from 'node:os'
import { join } from 'node:path'
import {
  attemptFiles,
  type AttemptFolder,
  type CreateExecutor,
  type Executor,
  type Handle,
  judge,
  type Outcome,
  readOutcome,
  readStop,
  requestStop,
  stopOutcomes,
  writeOutcome,
} from 'hearth/executor'
import { begin, end, look, remove } from './remote.ts'
import { type Ssh, type SshTarget, sshTo, UnreachableError } from './ssh.ts'

export interface SshExecutorOptions extends SshTarget {
  /** Where attempts lie there. */
  readonly folder: string
  readonly lookEveryMs?: number
}

export const createSshExecutor = (options: SshExecutorOptions): Executor => {
  const ssh = sshTo(options)
  const { lookEveryMs = 1000 } = options
  const there = ({ job, attempt }: AttemptFolder) => join(options.folder, `${job}-${attempt}`)
  /** How it stands there; what is new there is here then. */
  const lookAt = (folder: AttemptFolder) => copyNew(ssh, folder, there(folder))

  return {
    name: 'ssh',
    async probe() {
      try {
        const { exitCode } = await ssh.run('command -v setsid tar tail >/dev/null')
        if (exitCode === 0) return { sandboxes: ['none'], reasons: {} }
        return { sandboxes: [], reasons: { none: `${options.host} lacks setsid, tar or tail` } }
      } catch (error) {
        return { sandboxes: [], reasons: { none: String(error) } }
      }
    },
    async start(folder, env) {
      const { path, plan } = folder
      await ssh.push(attemptFiles(path).work, join(there(folder), 'work'))
      const run = {
        folder: there(folder),
        command: plan.command,
        env: translate(env, path, there(folder)),
      }
      await ssh.run(begin(run))
      return { folder }
    },
    async recover(folder) {
      const begun = readOutcome(folder.path) !== null || (await lookAt(folder)) !== 'none'
      return begun ? { folder } : null
    },
    async stop({ folder }, why) {
      requestStop(folder.path, why)
      const word = why === 'pause' ? 'pause' : 'cancel'
      await ssh.run(end(there(folder), word, folder.plan.graceMs ?? 30_000))
    },
    async wait({ folder }: Handle) {
      const known = readOutcome(folder.path)
      if (known) return known
      for (;;) {
        try {
          const state = await lookAt(folder)
          if (state !== 'running') {
            await ssh.pull(join(there(folder), 'work'), attemptFiles(folder.path).work)
            const outcome = await outcomeOf(folder, state)
            await writeOutcome(folder.path, outcome)
            return outcome
          }
        } catch (error) {
          // The connection comes back, and the program has not noticed.
          if (!(error instanceof UnreachableError)) throw error
        }
        await Bun.sleep(lookEveryMs)
      }
    },
    async destroy({ folder }) {
      await ssh.run(remove(there(folder)))
    },
  }
}

/** Paths of the attempt's folder here become those of its folder there. */
const translate = (
  env: Readonly<Record<string, string>>,
  here: string,
  there: string,
): Record<string, string> =>
  Object.fromEntries(
    Object.entries(env).map(([name, value]) => [name, value.replaceAll(here, there)]),
  )

/** The size of what is here says what is still there: nothing comes twice, nothing is left out. */
const copyNew = async (ssh: Ssh, { path }: AttemptFolder, there: string): Promise<string> => {
  const { log, events } = attemptFiles(path)
  const offsets = { log: Bun.file(log).size, events: Bun.file(events).size }
  const { output } = await ssh.run(look(there, offsets))
  const headEnd = output.indexOf(10) + 1
  const [state = '', logBytes] = Buffer.from(output.subarray(0, headEnd)).toString().split(' ')
  const eventsAt = headEnd + Number(logBytes)
  appendFileSync(log, output.subarray(headEnd, eventsAt))
  appendFileSync(events, output.subarray(eventsAt))
  return state
}

const outcomeOf = async ({ path }: AttemptFolder, state: string): Promise<Outcome> => {
  const why = readStop(path)
  const verdict = why && { reason: stopOutcomes[why] }
  const exitCode = Number.parseInt(state, 10)
  // A program that had to be killed took its watcher along.
  if (Number.isNaN(exitCode)) {
    if (verdict) return judge(path, { code: null, signal: 'SIGKILL' }, verdict)
    return { reason: 'shim_lost', exitCode: null, signal: null }
  }
  const signal = Object.entries(constants.signals).find(([, number]) => number === exitCode - 128)
  return judge(
    path,
    signal ? { code: null, signal: signal[0] } : { code: exitCode, signal: null },
    verdict,
  )
}

/** For `hearth agent --executor docs/examples/ssh-executor/ssh-executor.ts`. */
const fromEnvironment: CreateExecutor = () => {
  const host = process.env['SSH_EXECUTOR_HOST']
  if (!host) throw new Error('SSH_EXECUTOR_HOST names the machine to run programs on')
  const folder = process.env['SSH_EXECUTOR_FOLDER'] ?? '/var/tmp/hearth'
  return createSshExecutor({ host, folder })
}
export default fromEnvironment
