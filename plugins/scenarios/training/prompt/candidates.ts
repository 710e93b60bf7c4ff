/** Prompts to be tried: ways to say it, and draws from episodes that went well. */
import type { Random } from '../../random.ts'
import type { Demonstration, Prompt } from './pack.ts'

export interface Shown {
  readonly task: string
  readonly messages: Demonstration
}

/** What is added to an instruction; the first adds nothing. */
const variants: readonly string[] = [
  '',
  'Call exactly one tool at a time, and say nothing besides.',
  'Before each call, go over what is known and what is still missing; then call one tool.',
  'Follow the rules to the letter. Do nothing that they do not ask for, and leave nothing out.',
]

const counts: readonly number[] = [1, 2, 4, 8]

/** `count` different prompts from instructions and demonstrations, fewer where there are fewer. */
export const drawCandidates = (
  instructions: readonly string[],
  shown: readonly Shown[],
  count: number,
  random: Random,
): Prompt[] => {
  const drawn = new Map<string, Prompt>()
  for (let tries = 0; drawn.size < count && tries < 20 * count; tries++) {
    const instruction = random.pick(instructions)
    const variant = random.pick(variants)
    // Each number of demonstrations has its turn: chance alone might leave one out.
    const wanted = counts[drawn.size % counts.length] ?? 1
    const prompt: Prompt = {
      system: [instruction, variant].filter((part) => part !== '').join(' '),
      demonstrations: drawShown(shown, wanted, random),
    }
    drawn.set(JSON.stringify(prompt), prompt)
  }
  return [...drawn.values()]
}

/** Of as many kinds of episodes as there is room for. */
export const drawShown = (
  shown: readonly Shown[],
  count: number,
  random: Random,
): readonly Demonstration[] => {
  const byTask = new Map<string, Demonstration[]>()
  const shuffled = [...shown]
  random.shuffle(shuffled)
  for (const { task, messages } of shuffled) {
    byTask.set(task, [...(byTask.get(task) ?? []), messages])
  }
  const kinds = [...byTask.values()]
  const rounds = Math.max(0, ...kinds.map(({ length }) => length))
  const inTurn = Array.from({ length: rounds }, (_, round) =>
    kinds.flatMap((kind) => kind.slice(round, round + 1)),
  ).flat()
  return inTurn.slice(0, count)
}
