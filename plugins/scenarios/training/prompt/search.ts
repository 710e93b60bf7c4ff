/**
 * The search: candidates are halved on train episodes, the last ones are compared on validation,
 * and what was chosen is looked at once on test, beside the prompt it all began with.
 */
import type { Scenario, Split } from '../../environment.ts'
import type { Result } from '../../learning/evaluate.ts'
import { mixed, Random } from '../../random.ts'
import { drawCandidates, drawShown, type Shown } from './candidates.ts'
import type { Prompt } from './pack.ts'
import { oracleDemonstration, type Played } from './play.ts'

export interface SearchOptions {
  readonly scenario: Scenario
  /** Episodes that may be played. */
  readonly budget: number
  readonly seed: number
  /** The same is asked once at most: what was played is remembered. */
  play(prompt: Prompt, split: Split, episode: number): Promise<Played>
  /** null: nobody reflects. */
  readonly reflect: ((instruction: string, failures: readonly Played[]) => Promise<string>) | null
  /** Told of what is best so far, and how it did. */
  lead(prompt: Prompt, result: Result): void
  /** Told of every look at validation. */
  validated(result: Result): void
}

export interface Searched {
  readonly prompt: Prompt
  readonly isStart: boolean
  readonly validation: Result
  readonly test: Result
  readonly baseline: { readonly validation: Result; readonly test: Result }
}

/** Below it no share of the budget would mean anything. */
export const minBudget = 40
const finalists = 2
const maxCandidates = 16
/** What episodes a candidate needs in the first round, at the least. */
const firstRound = 3
const shownEpisodes = 32
/** Far from those that are played. */
const firstShown = 2 ** 30
const atOnce = 8

/** How a budget is spent: train as a whole, the others for each prompt that is looked at. */
export const sharesOf = (budget: number) => ({
  train: Math.floor(budget * 0.4),
  validation: Math.floor((budget * 0.3) / (finalists + 1)),
  test: Math.floor((budget * 0.3) / 2),
})

export const search = async (options: SearchOptions): Promise<Searched> => {
  const { scenario, budget } = options
  const shares = sharesOf(budget)
  const start: Prompt = { system: scenario.conversation?.system ?? '', demonstrations: [] }
  const look = async (prompt: Prompt, split: Split, first: number, count: number) => {
    const played = await inParallel(count, (n) => options.play(prompt, split, first + n))
    return { prompt, played, result: resultOf(played, scenario.spec.tasks) }
  }
  type Looked = Awaited<ReturnType<typeof look>>

  const validated = async (prompt: Prompt): Promise<Looked> => {
    const looked = await look(prompt, 'validation', 0, shares.validation)
    options.validated(looked.result)
    return looked
  }
  const baseline = await validated(start)
  const last = await halved(options, start, shares.train, look)
  const compared = [baseline]
  for (const prompt of last) compared.push(await validated(prompt))
  const chosen = compared.reduce((best, one) => (isBetter(one, best) ? one : best))
  options.validated(chosen.result)
  const isStart = chosen === baseline
  // What is not needed to compare makes the one figure surer.
  const test = await look(chosen.prompt, 'test', 0, isStart ? 2 * shares.test : shares.test)
  const before = isStart ? test : await look(start, 'test', 0, shares.test)
  return {
    prompt: chosen.prompt,
    isStart,
    validation: chosen.result,
    test: test.result,
    baseline: { validation: baseline.result, test: before.result },
  }
}

interface Looked {
  readonly prompt: Prompt
  readonly played: readonly Played[]
  readonly result: Result
}

/** The first that is looked at wins a tie. */
const isBetter = ({ result: one }: Looked, { result: other }: Looked): boolean =>
  one.successes > other.successes ||
  (one.successes === other.successes && one.meanReward > other.meanReward + 1e-9)

/** Successive halving (Jamieson & Talwalkar 2016): half of them go on, with twice the episodes. */
const halved = async (
  { scenario, seed, reflect, lead }: SearchOptions,
  start: Prompt,
  budget: number,
  look: (prompt: Prompt, split: Split, first: number, count: number) => Promise<Looked>,
): Promise<Prompt[]> => {
  const random = new Random(mixed(seed, 7))
  const begun = await look(start, 'train', 0, Math.floor(budget / 4))
  lead(start, begun.result)
  const shown = shownFrom(scenario, begun.played)
  let left = budget - begun.played.length
  const count = powerOfTwo(Math.min(maxCandidates, left / (2 * firstRound)))
  const rounds = Math.max(1, Math.log2(count / finalists))
  const instructions = [start.system]
  const failures = begun.played.filter(({ success }) => !success)
  if (reflect && failures.length > 0) {
    instructions.push(await reflect(start.system, failures))
  }
  let field = drawCandidates(instructions, shown, count, random)
  let first = begun.played.length
  for (let round = 0; round < rounds && field.length > 0; round++) {
    const each = Math.floor(left / (rounds - round) / field.length)
    if (each === 0) break
    const looked: Looked[] = []
    for (const prompt of field) looked.push(await look(prompt, 'train', first, each))
    left -= each * field.length
    first += each
    const ranked = looked.toSorted((a, b) => Number(isBetter(b, a)) - Number(isBetter(a, b)))
    const [best] = ranked
    if (!best) break
    lead(best.prompt, best.result)
    field = ranked.slice(0, Math.max(finalists, field.length / 2)).map(({ prompt }) => prompt)
    const wrong = best.played.filter(({ success }) => !success)
    if (reflect && wrong.length > 0 && round + 1 < rounds) {
      // A child of the best takes the place of the last.
      const system = await reflect(best.prompt.system, wrong)
      const demonstrations = drawShown(shown, best.prompt.demonstrations.length, random)
      field = [...field.slice(0, -1), { system, demonstrations }]
    }
  }
  return field.slice(0, finalists)
}

const powerOfTwo = (most: number): number => 2 ** Math.max(1, Math.floor(Math.log2(most)))

/** Episodes that went well: the model's own, and the oracle's where there is one. */
const shownFrom = (scenario: Scenario, played: readonly Played[]): Shown[] => {
  const own = played.filter(({ success }) => success)
  const hasOracle = scenario.spec.scripted?.includes('oracle') ?? true
  const episodes = hasOracle ? Array.from({ length: shownEpisodes }, (_, n) => firstShown + n) : []
  const scripted = episodes.flatMap((episode) => oracleDemonstration(scenario, episode) ?? [])
  return [...own, ...scripted].map(({ task, messages }) => ({ task, messages }))
}

const resultOf = (played: readonly Played[], tasks: readonly string[]): Result => {
  const n = Math.max(1, played.length)
  const sum = (of: (one: Played) => number) => played.reduce((total, one) => total + of(one), 0)
  return {
    episodes: played.length,
    successes: sum(({ success }) => Number(success)),
    meanReward: sum(({ reward }) => reward) / n,
    meanLength: sum(({ steps }) => steps) / n,
    tasks: Object.fromEntries(
      tasks.map((name) => {
        const mine = played.filter(({ task }) => task === name)
        const successes = mine.filter(({ success }) => success).length
        return [name, { episodes: mine.length, successes }]
      }),
    ),
  }
}

export const noResult = (tasks: readonly string[]): Result => resultOf([], tasks)

/** Some at once, answers in order; the first that fails ends it. */
const inParallel = async <T>(count: number, work: (n: number) => Promise<T>): Promise<T[]> => {
  const done: T[] = []
  let next = 0
  const lane = async () => {
    for (let n = next++; n < count; n = next++) done[n] = await work(n)
  }
  await Promise.all(Array.from({ length: Math.min(atOnce, count) }, lane))
  return done
}
