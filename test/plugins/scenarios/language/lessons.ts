/** Runs llm-grpo as a job would, with a tiny model of random weights and the tests' scenario. */
import { chmod, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { LanguageSettings } from '../../../../plugins/scenarios/training/language/settings.ts'
import type { TrainingSettings } from '../../../../plugins/scenarios/training/settings.ts'
import { waitUntil } from '../../../../scripts/port.ts'

const root = join(import.meta.dir, '../../../..')
export const torch =
  process.env['HEARTH_TEST_TORCH_PYTHON'] ?? join(root, '.cache/torch-venv/bin/python')

export interface Settings extends Omit<TrainingSettings, 'language'> {
  readonly language: LanguageSettings
}

/** Which learn in half a minute. */
export const settingsFor = (
  baseModel: string,
  own: Partial<TrainingSettings> = {},
  language: Partial<LanguageSettings> = {},
): Settings => ({
  scenario: 'signals',
  algorithm: 'llm-grpo',
  episodes: 3200,
  learningRate: 0.004,
  seed: 0,
  ...own,
  language: { baseModel, loraRank: 8, groupSize: 8, maxTokens: 2, kl: 0, gpus: 0, ...language },
})

const run = async (
  command: readonly string[],
  options: { cwd?: string; env?: object; meanwhile?: (pid: number) => Promise<void> } = {},
) => {
  const child = Bun.spawn([...command], {
    cwd: options.cwd ?? root,
    env: { ...process.env, OMP_NUM_THREADS: '1', ...options.env },
    stdout: 'pipe',
    stderr: 'pipe',
  })
  await options.meanwhile?.(child.pid)
  const [out, log] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
  ])
  return { code: await child.exited, out, log }
}

/** @throws Error with what it printed, unless it went well */
export const python = async (...args: readonly string[]): Promise<string> => {
  const { code, out, log } = await run([torch, ...args])
  if (code !== 0) throw new Error(log)
  return out
}

export const makeModel = (folder: string, ...flags: readonly string[]): Promise<string> =>
  python(join(root, 'test/python/tiny_llama.py'), folder, ...flags)

export interface Event {
  readonly type: string
  readonly name?: string
  readonly value?: number
  readonly step?: number
  readonly path?: string
}

/** In `folder`, which may hold a checkpoint to go on from. */
export const teach = async (
  folder: string,
  settings: Settings,
  { checkpoint = '', endAtUpdate = 0, wish = 'pause' } = {},
) => {
  const bin = join(folder, 'bin')
  await mkdir(bin, { recursive: true })
  const stand = join(import.meta.dir, 'hearth.ts')
  await writeFile(join(bin, 'hearth'), `#!/bin/sh\nexec '${process.execPath}' '${stand}' "$@"\n`)
  await chmod(join(bin, 'hearth'), 0o755)
  const events = join(folder, 'events')
  await writeFile(events, '')
  const control = join(folder, 'control')
  const told = async () => {
    const lines = (await Bun.file(events).text()).split('\n').slice(0, -1)
    return lines.map((line) => JSON.parse(line) as Event)
  }
  const end = async (pid: number) => {
    const isSo = async () => (curve(await told(), 'updates').at(-1) ?? 0) >= endAtUpdate
    await waitUntil('the update to end at', isSo, 60_000)
    await writeFile(control, wish)
    process.kill(pid, 'SIGTERM')
  }
  const { code, log } = await run([torch, '-m', 'llm_train'], {
    cwd: folder,
    ...(endAtUpdate > 0 && { meanwhile: end }),
    env: {
      PATH: `${bin}:${process.env['PATH']}`,
      PYTHONPATH: join(root, 'runners/python'),
      HEARTH_EVENTS: events,
      HEARTH_TRAINING: JSON.stringify(settings),
      HEARTH_CHECKPOINT: checkpoint,
      HEARTH_CONTROL: control,
    },
  })
  return { code, log, events: await told() }
}

/** Its points in order. */
export const curve = (events: readonly Event[], name: string): number[] =>
  events.flatMap((event) => (event.name === name ? [event.value ?? Number.NaN] : []))

export const filesIn = async (folder: string): Promise<Record<string, string>> => {
  const paths = [...new Bun.Glob('**/*').scanSync(folder)].toSorted()
  const digest = async (path: string) =>
    new Bun.CryptoHasher('sha256').update(await Bun.file(join(folder, path)).bytes()).digest('hex')
  return Object.fromEntries(
    await Promise.all(paths.map(async (p) => [p, await digest(p)] as const)),
  )
}
