/** Puts modules of Python where programs find them, also from the compiled binary. */
import { chmod, mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import harnessAutogen from './harness_autogen.py' with { type: 'text' }
import harnessCrewai from './harness_crewai.py' with { type: 'text' }
import hearthHarness from './hearth_harness.py' with { type: 'text' }
import hearthJob from './hearth_job.py' with { type: 'text' }
import hearthStep from './hearth_step.py' with { type: 'text' }
import llmBase from './llm_base.py' with { type: 'text' }
import llmEvaluate from './llm_evaluate.py' with { type: 'text' }
import llmGrpo from './llm_grpo.py' with { type: 'text' }
import llmLearn from './llm_learn.py' with { type: 'text' }
import llmModel from './llm_model.py' with { type: 'text' }
import llmPlay from './llm_play.py' with { type: 'text' }
import llmTrain from './llm_train.py' with { type: 'text' }
import llmWords from './llm_words.py' with { type: 'text' }
import steppedEnvironments from './stepped_environments.py' with { type: 'text' }
import torchPpo from './torch_ppo.py' with { type: 'text' }
import torchPpoUpdate from './torch_ppo_update.py' with { type: 'text' }
import warmClient from './warm_client.py' with { type: 'text' }
import warmProgram from './warm_program.py' with { type: 'text' }
import warmZygote from './warm_zygote.py' with { type: 'text' }

type Modules = Readonly<Record<string, string>>

const modules: Modules = {
  'harness_autogen.py': harnessAutogen,
  'harness_crewai.py': harnessCrewai,
  'hearth_harness.py': hearthHarness,
  'hearth_job.py': hearthJob,
  'hearth_step.py': hearthStep,
  'llm_base.py': llmBase,
  'llm_evaluate.py': llmEvaluate,
  'llm_grpo.py': llmGrpo,
  'llm_learn.py': llmLearn,
  'llm_model.py': llmModel,
  'llm_play.py': llmPlay,
  'llm_train.py': llmTrain,
  'llm_words.py': llmWords,
  'stepped_environments.py': steppedEnvironments,
  'torch_ppo.py': torchPpo,
  'torch_ppo_update.py': torchPpoUpdate,
}
const scripts: Modules = {
  'warm_client.py': warmClient,
  'warm_program.py': warmProgram,
  'warm_zygote.py': warmZygote,
}

/** The folder for a job's PYTHONPATH; a sandbox must let programs read it. */
export const programPath = (stateDir: string): Promise<string> => placed(stateDir, modules)

/** The folder of what starts warm Pythons, which no program needs. */
export const warmScripts = (stateDir: string): Promise<string> => placed(stateDir, scripts)

/** Each version has its own folder, so that an update changes nothing for jobs that run. */
const placed = async (stateDir: string, files: Modules): Promise<string> => {
  const hash = new Bun.CryptoHasher('sha256').update(JSON.stringify(files))
  const folder = join(stateDir, 'python', hash.digest('hex').slice(0, 16))
  for (const [name, text] of Object.entries(files)) await place(join(folder, name), text, folder)
  return folder
}

const place = async (target: string, text: string, folder: string): Promise<void> => {
  if ((await readFile(target, 'utf8').catch(() => null)) === text) return
  await mkdir(folder, { recursive: true, mode: 0o755 })
  const draft = `${target}.${crypto.randomUUID()}.tmp`
  await writeFile(draft, text)
  await chmod(draft, 0o444)
  await rename(draft, target)
}
