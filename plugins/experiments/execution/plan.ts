/** The plan of a step: one program, its data, and nothing else of the machine. */
import type { JobBytes, Plan } from '../../../src/sdk.ts'
import type { KeptFile } from '../journal/node.ts'
import type { StepRequest } from './executor.ts'

type InputFile = NonNullable<Plan['files']>[number]

export interface PlanParts {
  /** First word of the command; null: the environment of `requirements`. */
  readonly python: string | null
  readonly requirements: readonly string[]
  /** null: to begin cold. */
  readonly warmImports: readonly string[] | null
  readonly limits: StepLimits
  /** Under `input/`, as jobs know them. */
  readonly inputs: readonly KeptFile[]
  readonly program: Awaited<ReturnType<JobBytes['addInput']>>
  /** Something that keeps the folder `working`. */
  readonly keep: Awaited<ReturnType<JobBytes['addInput']>>
}

export const programName = 'solution.py'

/** Ended by the job engine: how long a program may go on after it was told to end. */
const graceMs = 1_000

export interface StepLimits {
  readonly logBytes: number
  readonly diskBytes: number
  readonly pids: number
}

export const stepLimits: StepLimits = {
  logBytes: 256 * 2 ** 20,
  diskBytes: 8 * 2 ** 30,
  pids: 512,
}

export const stepPlan = (request: StepRequest, parts: PlanParts): Plan => {
  const { python, requirements, warmImports, limits } = parts
  const threads = String(Math.max(1, Math.floor(request.cpus)))
  const files: InputFile[] = [
    { path: programName, ...parts.program },
    { path: 'working/.keep', ...parts.keep },
    ...parts.inputs.map(({ path, sha256, sizeBytes }) => ({
      path: `input/${path}`,
      sha256,
      sizeBytes,
    })),
  ]
  return {
    command: [python ?? 'python', '-m', 'hearth_step', programName],
    env: {
      OMP_NUM_THREADS: threads,
      OPENBLAS_NUM_THREADS: threads,
      MKL_NUM_THREADS: threads,
      LOKY_MAX_CPU_COUNT: threads,
      MPLBACKEND: 'Agg',
      PYTHONUNBUFFERED: '1',
      PYTHONDONTWRITEBYTECODE: '1',
      PYTHONHASHSEED: '0',
      HEARTH_SEED: '0',
      ...request.env,
    },
    files,
    outputs: ['working'],
    ...(python === null && { python: { requirements: [...requirements] } }),
    ...(warmImports !== null && { warmImports: [...warmImports] }),
    // The levels that can shut the network do unless told otherwise; `none` cannot, and is allowed.
    sandbox: request.sandbox,
    limits: {
      wallMs: request.timeoutMs,
      logBytes: limits.logBytes,
      ...(request.sandbox !== 'none' && { pids: limits.pids, diskBytes: limits.diskBytes }),
      ...(request.memoryBytes !== null && { memoryBytes: request.memoryBytes }),
    },
    needs: {
      cpus: request.cpus,
      ...(request.gpus > 0 && { gpus: request.gpus }),
      ...(request.memoryBytes !== null && { memoryBytes: request.memoryBytes }),
    },
    graceMs,
  }
}
