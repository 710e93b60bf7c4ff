/** The jobs of trainings of language models: a program in Python with its packages, or our own. */
import type { Plan } from '../../../../src/sdk.ts'
import type { TrainingSettings } from '../settings.ts'
import requirements from './requirements.txt' with { type: 'text' }

const pinned = requirements.split('\n').filter((line) => line !== '' && !line.startsWith('#'))

export const llmGrpoPlan = (settings: TrainingSettings) => {
  const gpus = settings.language?.gpus ?? 0
  return {
    command: ['python', '-m', 'llm_train'],
    env: {
      HEARTH_TRAINING: JSON.stringify(settings),
      // As many as it asks for.
      OMP_NUM_THREADS: '1',
      HF_HUB_DISABLE_PROGRESS_BARS: '1',
      PYTHONUNBUFFERED: '1',
      TOKENIZERS_PARALLELISM: 'false',
      TRANSFORMERS_VERBOSITY: 'error',
    },
    python: { requirements: pinned },
    needs: { cpus: 1, ...(gpus > 0 && { gpus }) },
  } satisfies Partial<Plan>
}

/** Keys are no part of a plan: see `secretsFor`. */
export const promptPlan = (settings: TrainingSettings) =>
  ({
    command: ['hearth', 'train'],
    env: { HEARTH_TRAINING: JSON.stringify(settings) },
    network: true,
    needs: { cpus: 0.25 },
  }) satisfies Partial<Plan>
