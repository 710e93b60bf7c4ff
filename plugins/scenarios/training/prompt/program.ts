/** The program of a job that searches for a prompt: asks, tells, saves itself, leaves a pack. */
import { appendFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Scenario } from '../../environment.ts'
import { type Upstream, upstreamIn } from '../../gateway/upstream.ts'
import { type Manifest, modelFolder, modelPaths } from '../../models/manifest.ts'
import { scenarioHash } from '../../scenario-hash.ts'
import { measureBaselines } from '../baselines.ts'
import { evaluationMetrics, percent } from '../evaluation.ts'
import { baselineEpisodes } from '../language/converse.ts'
import type { PromptSettings } from '../language/settings.ts'
import type { TrainingParts } from '../program.ts'
import type { TrainingSettings } from '../settings.ts'
import { Interrupted, patientAsk } from './ask.ts'
import { differenceOf, findingOf } from './finding.ts'
import { Ledger } from './ledger.ts'
import { digestOf, type Prompt, type PromptPack, promptPackPath } from './pack.ts'
import { playPrompt, toolsOf } from './play.ts'
import { reflect } from './reflect.ts'
import { noResult, search, type Searched } from './search.ts'

type Env = Readonly<Record<string, string | undefined>>

const tellEveryMs = 500
const saveEveryMs = 5_000
const rewardWindow = 100
const checkpointPath = 'training.checkpoint'

interface PromptTrainingOptions {
  readonly env: Env
  readonly scenario: Scenario
  readonly settings: TrainingSettings
  readonly prompt: PromptSettings
  readonly upstream: Upstream
  readonly folder: string
}

/** As `train` of the other algorithms. @throws Error why it cannot go on; no key is in it */
export const searchPrompt = (
  env: Env,
  { find, folder = '.' }: Pick<TrainingParts, 'find' | 'folder'>,
): Promise<number> => {
  const settings = JSON.parse(env['HEARTH_TRAINING'] ?? 'null') as TrainingSettings | null
  const prompt = settings?.prompt
  if (!settings || !prompt) throw new Error('HEARTH_TRAINING names no language model')
  const scenario = find(settings.scenario)
  if (!scenario) throw new Error(`There is no scenario ${settings.scenario} here`)
  const upstream = upstreamIn(env, '')
  if (!upstream) throw new Error('No language model is set: OPENAI_BASE_URL or OPENAI_API_KEY')
  return new PromptTraining({ env, scenario, settings, prompt, upstream, folder }).run()
}

class PromptTraining {
  readonly #options: PromptTrainingOptions
  readonly #ledger: Ledger
  readonly #stop = new AbortController()
  readonly #begunMs = performance.now()
  #leader: Prompt
  #told = 0
  #saved = performance.now()

  constructor(options: PromptTrainingOptions) {
    this.#options = options
    const { scenario, settings, env } = options
    this.#leader = { system: scenario.conversation?.system ?? '', demonstrations: [] }
    this.#ledger = new Ledger(settings)
    process.on('SIGTERM', () => this.#stop.abort())
    if (!env['HEARTH_CHECKPOINT']) {
      this.#metrics(measureBaselines(scenario, baselineEpisodes))
      return
    }
    this.#ledger.restore(env['HEARTH_CHECKPOINT'])
    this.#metrics({ exact: 1 })
  }

  async run(): Promise<number> {
    this.#report()
    try {
      this.#finish(await this.#search(), false)
    } catch (error) {
      if (!(error instanceof Interrupted)) {
        // Another attempt must not pay again for what was played.
        if (this.#ledger.episodes > 0) this.#save()
        throw error
      }
      this.#report()
      if (this.#wish() === 'pause') this.#save()
      else this.#finish(this.#cutShort(), true)
    }
    return 0
  }

  #search(): Promise<Searched> {
    const { scenario, settings, upstream, prompt: asked } = this.#options
    const { model, maxTokens, reflectionModel } = asked
    const ask = patientAsk(upstream, this.#stop.signal)
    const ledger = this.#ledger
    return search({
      scenario,
      budget: settings.episodes,
      seed: settings.seed,
      play: async (prompt, split, episode) => {
        const key = `${digestOf(prompt)}/${split}/${episode}`
        const played = await ledger.played(key, () =>
          playPrompt({ scenario, model, maxTokens, ask }, prompt, split, episode),
        )
        this.#keepUp()
        return played
      },
      reflect:
        reflectionModel === null
          ? null
          : (instruction, failures) => {
              const about = { system: instruction, demonstrations: failures.map((f) => f.messages) }
              return ledger.said(digestOf(about), () =>
                reflect(ask, reflectionModel, instruction, failures),
              )
            },
      lead: (prompt, { successes, episodes }) => {
        this.#leader = prompt
        this.#metrics({ train_accuracy: percent(successes, episodes) })
      },
      validated: (result) => this.#metrics(evaluationMetrics(result)),
    })
  }

  #cutShort(): Searched {
    const nothing = noResult(this.#options.scenario.spec.tasks)
    const baseline = { validation: nothing, test: nothing }
    return { prompt: this.#leader, isStart: false, validation: nothing, test: nothing, baseline }
  }

  #finish({ prompt, isStart, ...results }: Searched, isCutShort: boolean): void {
    const { scenario, settings, prompt: asked } = this.#options
    const { id, version } = scenario.spec
    const { test, baseline } = results
    const difference = differenceOf(test, baseline.test)
    const found = { isStart, isCutShort, test, baseline: baseline.test, difference }
    const finding = findingOf(found)
    const pack: PromptPack = {
      format: 1,
      scenario: { id, version },
      ...prompt,
      tools: toolsOf(scenario),
      model: asked.model,
      maxTokens: asked.maxTokens,
      ...results,
      difference,
      finding,
    }
    const manifest: Manifest = {
      format: 2,
      kind: 'prompt',
      scenario: { id, version, hash: scenarioHash(scenario) },
      settings: { ...settings },
      trainingDigest: this.#ledger.digest,
      episodes: this.#ledger.episodes,
      test,
      base: asked.model,
    }
    const at = (path: string) => join(this.#options.folder, path)
    mkdirSync(at(modelFolder), { recursive: true })
    writeFileSync(at(promptPackPath), JSON.stringify(pack, null, 2))
    writeFileSync(at(modelPaths.manifest), JSON.stringify(manifest))
    this.#metrics({
      difference: difference.points,
      difference_low: difference.low,
      difference_high: difference.high,
    })
    this.#report()
    this.#tell({ type: 'message', text: finding })
    for (const path of [promptPackPath, modelPaths.manifest]) this.#tell({ type: 'artifact', path })
  }

  #keepUp(): void {
    const now = performance.now()
    if (now - this.#told > tellEveryMs) this.#report()
    if (now - this.#saved > saveEveryMs) this.#save()
  }

  #report(): void {
    this.#told = performance.now()
    const { episodes } = this.#ledger
    this.#tell({ type: 'progress', done: episodes, total: this.#options.settings.episodes })
    this.#metrics({
      episode: episodes,
      avg_reward: this.#ledger.meanReward(rewardWindow),
      elapsed_s: this.#elapsedMs / 1000,
    })
  }

  #save(): void {
    this.#saved = performance.now()
    this.#ledger.save(join(this.#options.folder, checkpointPath), this.#elapsedMs)
    this.#tell({ type: 'checkpoint', path: checkpointPath, step: this.#ledger.episodes })
  }

  get #elapsedMs(): number {
    return this.#ledger.elapsedMs + performance.now() - this.#begunMs
  }

  #wish(): string {
    const control = this.#options.env['HEARTH_CONTROL'] ?? ''
    return existsSync(control) ? readFileSync(control, 'utf8').trim() : ''
  }

  #metrics(values: Readonly<Record<string, number>>): void {
    const step = this.#ledger.episodes
    for (const [name, value] of Object.entries(values)) {
      this.#tell({ type: 'metric', name, value, step })
    }
  }

  #tell(event: object): void {
    const events = this.#options.env['HEARTH_EVENTS'] ?? '/dev/null'
    appendFileSync(events, `${JSON.stringify(event)}\n`)
  }
}
