/** The GPUs of this machine, as NVIDIA's own tool tells them; parts of one count by themselves. */
import type { Capacity } from '../../src/jobs/protocol.ts'

export type Gpu = Capacity['gpus'][number]

/** The output of the tool called with these arguments, or null when there is no such tool. */
export type RunTool = (args: readonly string[]) => Promise<string | null>

/** A tool that hangs with its driver must not hang the agent. */
const toolTimeoutMs = 20_000

const nvidiaSmi: RunTool = async (args) => {
  const tool = Bun.which('nvidia-smi', { PATH: process.env['PATH'] ?? '' })
  if (tool === null) return null
  const child = Bun.spawn([tool, ...args], {
    stdin: 'ignore',
    stdout: 'pipe',
    stderr: 'ignore',
    timeout: toolTimeoutMs,
    killSignal: 'SIGKILL',
  })
  const text = await new Response(child.stdout).text()
  return (await child.exited) === 0 ? text : null
}

export const findGpus = async (run: RunTool = nvidiaSmi): Promise<Gpu[]> => {
  const table = await run(['--query-gpu=uuid,name,memory.total', '--format=csv,noheader,nounits'])
  if (table === null) return []
  const gpus = parseTable(table)
  const list = await run(['-L'])
  return list === null ? gpus : splitByMig(gpus, list)
}

const parseTable = (table: string): Gpu[] =>
  table.split('\n').flatMap((line) => {
    const [uuid = '', model = '', memory = ''] = line.split(',').map((cell) => cell.trim())
    const memoryMiB = Number.parseInt(memory, 10)
    if (!uuid.startsWith('GPU-')) return []
    return [{ uuid, model, memoryBytes: Number.isNaN(memoryMiB) ? 0 : memoryMiB * 2 ** 20 }]
  })

/**
 * A GPU cut into instances is used by instance: CUDA does not take the whole one then. Their
 * memory stands in their profile's name: `1g.18gb`.
 */
const splitByMig = (gpus: readonly Gpu[], list: string): Gpu[] => {
  const instances = new Map<string, Gpu[]>()
  let parent: Gpu | undefined
  for (const line of list.split('\n')) {
    const gpu = /^GPU \d+:.*\(UUID: (GPU-[\w-]+)\)/.exec(line)
    if (gpu) parent = gpus.find(({ uuid }) => uuid === gpu[1])
    const mig = /^\s+MIG (\S+)\s+Device\s+\d+:\s+\(UUID: (MIG-[\w/-]+)\)/.exec(line)
    if (!mig?.[1] || !mig[2] || !parent) continue
    const gigabytes = Number.parseFloat(/(\d+(?:\.\d+)?)gb/.exec(mig[1])?.[1] ?? '0')
    const instance = {
      uuid: mig[2],
      model: `${parent.model} MIG ${mig[1]}`,
      memoryBytes: Math.round(gigabytes * 2 ** 30),
    }
    instances.set(parent.uuid, [...(instances.get(parent.uuid) ?? []), instance])
  }
  return gpus.flatMap((gpu) => instances.get(gpu.uuid) ?? [gpu])
}
