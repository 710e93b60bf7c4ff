/** Everything that a training can be made with: requests, jobs and documents follow this table. */
import type { Plan } from '../../../src/sdk.ts'
import type { Scenario } from '../environment.ts'
import type { Framework } from '../frameworks.ts'
import { llmGrpoPlan, promptPlan } from './language/plan.ts'
import {
  type AlgorithmName,
  groupShape,
  type RecordedFile,
  recordedPath,
  type TrainingSettings,
} from './settings.ts'

/** What of the plan of a job depends on the algorithm. */
export type AlgorithmPlan = Pick<
  Plan,
  'command' | 'env' | 'files' | 'outputs' | 'python' | 'needs' | 'network' | 'sandbox'
>

export interface Algorithm {
  /** What it is, in the words of who chooses. */
  readonly title: string
  /** Policies over observations, or over what is said. */
  readonly learns: 'vector' | 'language'
  /** It begins with episodes of the scenario's oracle. */
  readonly copies: boolean
  /** Its program has agents of a framework play a share, and the test. Absent: it does not. */
  readonly isHarnessed?: boolean
  plan(settings: TrainingSettings): AlgorithmPlan
}

/**
 * The program is part of this one. Trainings share the processors of a node, at low priority, so
 * that several go on at once: each asks for a quarter of one.
 */
const native = (title: string, copies = false): Algorithm => ({
  title,
  learns: 'vector',
  copies,
  isHarnessed: true,
  plan: (settings) => ({
    command: ['hearth', 'train'],
    env: { HEARTH_TRAINING: JSON.stringify(settings) },
    needs: { cpus: 0.25 },
    ...(settings.recorded && { files: [recordedInput(settings.recorded)] }),
  }),
})

const recordedInput = ({ sha256, sizeBytes }: RecordedFile) => ({
  path: recordedPath,
  sha256,
  sizeBytes,
})

/** Its environments are served by this program, beside it. */
const torchPpo = (settings: TrainingSettings): AlgorithmPlan => ({
  command: ['python', '-m', 'torch_ppo'],
  env: { HEARTH_TRAINING: JSON.stringify(settings), PYTHONUNBUFFERED: '1' },
  python: { requirements: ['torch==2.13.0', 'numpy==2.4.6'] },
  needs: { cpus: 1, ...(settings.gpus && { gpus: settings.gpus }) },
})

export const algorithms: Readonly<Record<AlgorithmName, Algorithm>> = {
  'bc+ppo': native('The oracle’s episodes first, then trial with PPO', true),
  bc: native('The oracle’s episodes only', true),
  ppo: native('Proximal policy optimisation'),
  reinforce: native('Whole returns against a learned baseline'),
  grpo: native('Episodes of one seed, weighed against each other'),
  'torch-ppo': {
    title: 'The same as ppo by torch, for nodes with a GPU or another runtime',
    learns: 'vector',
    copies: false,
    plan: torchPpo,
  },
  'llm-grpo': {
    title: 'A language model by trial, with GRPO and a LoRA adapter',
    learns: 'language',
    copies: false,
    plan: llmGrpoPlan,
  },
  'prompt-opt': {
    title: 'The instruction and the examples of a language model elsewhere',
    learns: 'language',
    copies: false,
    plan: promptPlan,
  },
}

export const hasOracle = ({ spec }: Scenario): boolean => spec.scripted?.includes('oracle') ?? true

export type Teacher = 'oracle' | 'recorded'

/** For those who name none: with few episodes nothing does as well as somebody to learn from. */
export const usualAlgorithm = (scenario: Scenario, teacher: Teacher = 'oracle'): AlgorithmName =>
  teacher === 'recorded' || hasOracle(scenario) ? 'bc+ppo' : 'ppo'

/** Why agents of the framework play no part in the algorithm; null: they do. */
export const unharnessed = (name: AlgorithmName, framework: Framework): string | null =>
  framework === 'Native' || algorithms[name].isHarnessed
    ? null
    : `${name} plays all its episodes itself: ${framework} has no part in it, take Native`

/** Why the algorithm cannot learn the scenario; null: it can. */
export const unsuitable = (
  name: AlgorithmName,
  scenario: Scenario,
  teacher: Teacher = 'oracle',
): string | null => {
  const { copies, learns } = algorithms[name]
  const { id } = scenario.spec
  if (!copies && teacher === 'recorded') return `${name} learns from no recorded episodes`
  if (copies && teacher === 'oracle' && !hasOracle(scenario)) {
    return `${id} has no oracle that ${name} could learn from`
  }
  if (name === 'grpo' && groupShape(scenario.spec) === null) {
    return `Episodes of ${id} may be too long for grpo: ${scenario.spec.maxSteps} steps`
  }
  if (learns === 'language' && scenario.conversation === null) {
    return `Nothing is said in ${id} that ${name} could learn from`
  }
  return null
}
