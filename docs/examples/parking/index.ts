/** The plugin that brings the scenario: it is listed, trained and served like those built in. */
import { definePlugin } from 'hearth'
import { scenarios } from 'hearth/scenarios'
import { join } from 'node:path'

export default definePlugin({
  id: 'parking',
  version: '1.0.0',
  sdk: '^0.1.0',
  uses: { scenarios },
  setup: ({ uses, signal }) => ({
    async start() {
      const brought = await uses.scenarios.bring(join(import.meta.dir, 'parking.ts'))
      signal.addEventListener('abort', () => brought.remove())
    },
  }),
})
