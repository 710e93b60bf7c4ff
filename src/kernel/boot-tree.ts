/** The boot tree: what came up, in which order, how long it took, and what did not. */
import type { Assembly } from './boot.ts'

export const bootTree = ({ slots }: Assembly): string => {
  const all = [...slots.values()]
  const width = Math.max(...all.map(({ plugin }) => plugin.id.length), 0)
  const lines = all.map(({ plugin, state, reason, instance }, index) => {
    const branch = index === all.length - 1 ? '└─' : '├─'
    const name = `${plugin.id.padEnd(width)} ${plugin.version}`
    if (state !== 'running' || !instance) return `${branch} ${name}  ${state}: ${reason}`
    const { setup, start } = instance.timesMs
    const channels = instance.contributions.channels?.length ?? 0
    const uses = Object.values(plugin.uses ?? {}).map(({ id }) => id)
    return [
      `${branch} ${name}  ${instance.routes.length} routes`,
      channels > 0 ? `${channels} channels` : '',
      uses.length > 0 ? `uses ${uses.join(', ')}` : '',
      `setup ${setup.toFixed(1)} ms`,
      `start ${start.toFixed(1)} ms`,
    ]
      .filter(Boolean)
      .join('  ')
  })
  return ['plugins', ...lines].join('\n')
}
