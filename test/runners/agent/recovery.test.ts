/** An agent is killed with -9 at every step it takes; the next one sees each attempt through. */
import { afterAll, beforeAll, expect, test } from 'bun:test'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { FakeServer } from './fake-server.ts'

const points = [
  'after sync',
  'before start',
  'after start',
  'before spawn',
  'after spawn',
  'before log',
  'after log',
  'after exit',
  'after blob',
  'before finish',
  'after finish',
  'before destroy',
  'after destroy',
]

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'hearth-recovery-'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const lineCount = 12
const script = `echo ran >> "$WITNESS"
i=0; while [ $i -lt ${lineCount} ]; do echo "line $i $SECRET"; i=$((i+1)); sleep 0.03; done
echo '{"type":"artifact","path":"out.txt"}' >> "$HEARTH_EVENTS"
echo result > out.txt
exit 7`
const expected = Array.from({ length: lineCount }, (_, index) => `line ${index} ********\n`).join(
  '',
)

test.each(points)(
  'killed %s',
  async (point) => {
    const fake = new FakeServer()
    const http = Bun.serve({ port: 0, idleTimeout: 60, fetch: (request) => fake.handle(request) })
    const stateDir = join(folder, point.replaceAll(' ', '-'))
    const witness = `${stateDir}.witness`
    const agent = (killAt = '') =>
      Bun.spawn(
        [
          process.execPath,
          join(import.meta.dir, 'agent-process.ts'),
          http.url.origin,
          stateDir,
          killAt,
        ],
        { stdin: 'ignore', stdout: 'ignore', stderr: 'inherit' },
      )
    const job = fake.submit(
      'j1',
      { command: ['/bin/sh', '-c', script], env: { WITNESS: witness } },
      { secrets: { SECRET: 'hunter22' } },
    )
    const first = agent(point)
    // Should it live on, the test fails below and does not wait for ever.
    await Promise.race([first.exited, fake.until(() => job.finish)])
    const second = agent()
    try {
      const { outcome, artifacts } = await fake.until(() => job.finish)
      await fake.until(() => fake.syncs.at(-1)?.holding.length === 0)
      expect([
        first.signalCode,
        fake.logOf('j1'),
        outcome.exitCode,
        artifacts.map(({ path }) => path),
        readFileSync(witness, 'utf8'),
        readdirSync(join(stateDir, 'attempts')),
      ]).toEqual(['SIGKILL', expected, 7, ['out.txt'], 'ran\n', []])
    } finally {
      first.kill('SIGKILL')
      second.kill('SIGTERM')
      await second.exited
      await http.stop(true)
    }
  },
  30_000,
)
