/** The program of a training job: trains, tells how far it is, saves itself, leaves a model. */
import { appendFileSync, existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Scenario } from '../environment.ts'
import { playedPath } from '../harness/kept-episodes.ts'
import { HarnessError, type StartHarness } from '../harness/rollouts.ts'
import { type HarnessShare, type HarnessTest, testFigures } from '../harness/share.ts'
import { shareOf } from '../harness/share-of.ts'
import { layerOf } from '../models/policy-file.ts'
import {
  type Checkpoint,
  digestOf,
  readCheckpoint,
  runtime,
  writeCheckpoint,
} from './checkpoint.ts'
import { type Baselines, measureBaselines } from './baselines.ts'
import { evaluationMetrics } from './evaluation.ts'
import type { OpenOutside } from '../outside/environment.ts'
import { scenarioFor } from '../outside/scenario-for.ts'
import { leaveModel } from './leave-model.ts'
import { Pace } from './pace.ts'
import { recordedIn } from './recorded.ts'
import { type TrainingSettings, usualLooks } from './settings.ts'
import { Trainer } from './trainer.ts'

/**
 * Between two reports, and two looks at the validation episodes. They go together: a server that
 * also answers others takes in both at once as soon as one of them.
 */
const tellEveryMs = 1_000
const saveEveryMs = 5_000
/** Where looks are slow, training takes so many times as long. */
const evaluationShare = 4

export const checkpointPath = 'training.checkpoint'

type Env = Readonly<Record<string, string | undefined>>

/** What a training is given by whoever starts programs. */
export interface TrainingParts {
  /** The scenarios that are part of the program. */
  find(id: string): Scenario | undefined
  /** Absent: scenarios from outside cannot be trained on. */
  readonly openEnvironment?: OpenOutside
  /** Files go there; absent: where it was started. */
  readonly folder?: string
  readonly startHarness?: StartHarness
}

/**
 * Answers the exit code. `HEARTH_TRAINING` holds the settings, `HEARTH_SCENARIO` how to come by a
 * scenario that is no part of the program, `HEARTH_FRAMEWORK` the harness that plays its share;
 * absent or `Native`: none.
 */
export const train = async (env: Env, parts: TrainingParts): Promise<number> => {
  const settings = JSON.parse(env['HEARTH_TRAINING'] ?? 'null') as TrainingSettings | null
  if (!settings) throw new Error('HEARTH_TRAINING holds no settings')
  const scenario = await scenarioFor(env, settings.scenario, parts)
  const recorded = settings.recorded && recordedIn(parts.folder ?? '.')
  const training = new Training(env, await Trainer.make(scenario, settings, recorded), parts)
  return training.run()
}

class Training {
  readonly #trainer: Trainer
  readonly #folder: string
  /** In one go: what belongs together is taken in together. */
  readonly #tell: (...events: readonly object[]) => void
  readonly #wish: () => string
  #isAsked = false
  #lookMs = 0
  #elapsedMs = 0
  #begunMs = performance.now()
  readonly #share: HarnessShare | null
  readonly #pace = new Pace()
  /** To be told at the start, unless this is not the start. */
  readonly #baselines: Baselines | undefined

  constructor(env: Env, trainer: Trainer, { folder = '.', startHarness }: TrainingParts) {
    const events = env['HEARTH_EVENTS'] ?? '/dev/null'
    const control = env['HEARTH_CONTROL'] ?? ''
    this.#trainer = trainer
    this.#folder = folder
    this.#tell = (...told) =>
      appendFileSync(events, told.map((event) => `${JSON.stringify(event)}\n`).join(''))
    this.#wish = () => (existsSync(control) ? readFileSync(control, 'utf8').trim() : '')
    process.on('SIGTERM', () => {
      this.#isAsked = true
    })
    const from = env['HEARTH_CHECKPOINT']
    const saved = from ? readCheckpoint(readFileSync(from, 'utf8')) : null
    // Tried again, it would end as if nothing had happened.
    if (saved?.failure !== undefined) throw new Error(saved.failure)
    this.#share = shareOf(env['HEARTH_FRAMEWORK'], trainer, startHarness)
    if (saved) this.#restore(saved)
    else
      this.#baselines =
        baselinesOf(env) ?? measureBaselines(trainer.scenario, this.#looks.validation)
  }

  async run(): Promise<number> {
    try {
      return await this.#train()
    } catch (error) {
      if (error instanceof HarnessError) this.#save(error.message)
      throw error
    } finally {
      await this.#share?.close()
    }
  }

  async #train(): Promise<number> {
    const trainer = this.#trainer
    let told = 0
    // The first checkpoint comes soon: whatever is killed before it begins anew.
    let saved = performance.now() - saveEveryMs + 1_000
    let looked = 0
    if (this.#baselines !== undefined) this.#metrics(this.#baselines)
    this.#report()
    while (!trainer.isDone) {
      const { figures } = trainer.advance()
      const now = performance.now()
      const looks = now - looked > Math.max(tellEveryMs, evaluationShare * this.#lookMs)
      if (looks) {
        this.#evaluate(this.#looks.validation)
        looked = performance.now()
        this.#lookMs = looked - now
        await this.#keepUp()
      }
      if (looks || now - told > tellEveryMs) {
        told = performance.now()
        this.#report(figures)
      }
      if (now - saved > saveEveryMs) {
        saved = now
        this.#save()
      }
      // Signals are heard between two turns of the event loop only.
      await Bun.sleep(0)
      if (!this.#isAsked) continue
      if (this.#isToPause) return this.#pause()
      break
    }
    this.#evaluate(this.#looks.last)
    await this.#keepUp()
    const tested = this.#share ? await this.#share.test(() => this.#isToPause) : undefined
    if (tested === null) return this.#pause()
    this.#report(tested && testFigures(tested))
    this.#finish(tested)
    return 0
  }

  get #looks() {
    return this.#trainer.scenario.evaluations ?? usualLooks
  }

  get #isToPause(): boolean {
    return this.#isAsked && this.#wish() === 'pause'
  }

  #pause(): number {
    this.#report()
    this.#save()
    return 0
  }

  async #keepUp(): Promise<void> {
    const { episodes } = this.#trainer
    await this.#share?.keepUp(episodes, this.#seconds * 1000, () => this.#isAsked)
  }

  get #seconds(): number {
    return (this.#elapsedMs + performance.now() - this.#begunMs) / 1000
  }

  #restore({ state, elapsedMs, runtime: made, settings, share }: Checkpoint): void {
    this.#trainer.state = state
    if (this.#share && share) this.#share.state = share
    this.#elapsedMs = elapsedMs
    this.#begunMs = performance.now()
    const isSame =
      made === runtime && JSON.stringify(settings) === JSON.stringify(this.#trainer.settings)
    const areEnvironments = this.#trainer.scenario.isExact?.() ?? true
    this.#metrics({ exact: isSame && areEnvironments ? 1 : 0 })
    if (!isSame) {
      this.#warn(`The checkpoint was made by ${made}, this is ${runtime}: not bit for bit`)
    }
    if (!areEnvironments) this.#warn('Some episodes began anew: not bit for bit')
  }

  #warn(text: string): void {
    this.#tell({ type: 'message', text, level: 'warning' })
  }

  #metrics(values: Readonly<Record<string, number>>): void {
    this.#tell(...this.#points(values))
  }

  #points(values: Readonly<Record<string, number>>): object[] {
    const step = this.#trainer.episodes
    return Object.entries(values).map(([name, value]) => ({ type: 'metric', name, value, step }))
  }

  #report(figures: Readonly<Record<string, number>> = {}): void {
    const { episodes, steps, meanReward, trajectoryEntropy, loss, settings, updates } =
      this.#trainer
    this.#tell(
      { type: 'progress', done: episodes, total: settings.episodes },
      ...this.#points({
        ...this.#share?.figures,
        ...figures,
        episode: episodes,
        avg_reward: meanReward,
        trajectory_entropy: trajectoryEntropy,
        loss,
        updates,
        elapsed_s: this.#seconds,
        ...this.#pace.at(this.#seconds * 1000, episodes, steps, settings.episodes),
      }),
    )
  }

  #evaluate(episodes: number): void {
    const found = evaluationMetrics(this.#trainer.evaluate('validation', episodes))
    const { episodes: at } = this.#trainer
    this.#metrics({ ...found, episode: at, evaluated_at: at })
  }

  /** Whole or not at all: it may be killed at any moment. `failure`: it is not to go on. */
  #save(failure?: string): void {
    const { settings, state } = this.#trainer
    const elapsedMs = this.#seconds * 1000
    const path = join(this.#folder, checkpointPath)
    const draft = `${path}.new`
    const share = this.#share?.state
    writeFileSync(
      draft,
      writeCheckpoint({
        settings,
        state,
        runtime,
        elapsedMs,
        ...(share && { share }),
        ...(failure !== undefined && { failure }),
      }),
    )
    renameSync(draft, path)
    this.#tell({ type: 'checkpoint', path: checkpointPath, step: this.#trainer.episodes })
  }

  #finish(harness: HarnessTest | undefined): void {
    const { scenario, settings, model, state, episodes } = this.#trainer
    const paths = leaveModel(scenario, this.#folder, {
      layers: model.policyLayers.map(({ weights, bias }) => layerOf(weights, bias)),
      settings,
      digest: digestOf(state),
      episodes,
      test: this.#trainer.evaluate('test', this.#looks.last),
      ...(harness && { harness }),
    })
    if (this.#share) {
      writeFileSync(join(this.#folder, playedPath), JSON.stringify(this.#share.tested))
      this.#tell({ type: 'artifact', path: playedPath })
    }
    for (const path of paths) this.#tell({ type: 'artifact', path })
  }
}

const baselinesOf = (env: Env): Baselines | undefined =>
  env['HEARTH_BASELINES'] ? (JSON.parse(env['HEARTH_BASELINES']) as Baselines) : undefined
