/** What is asked of the engine, where no engine is needed to tell that it is right. */
import { expect, test } from 'bun:test'
import { containerSpec, type Mount } from '../../../runners/docker/container-spec.ts'
import { frameReader } from '../../../runners/docker/engine-log.ts'
import { socketOf } from '../../../runners/docker/engine.ts'
import { ImageError, pullProgress } from '../../../runners/docker/images.ts'
import type { Plan } from '../../../src/jobs/protocol.ts'

const spec = (plan: Partial<Plan>, gpus: readonly string[] = []) =>
  containerSpec({
    folder: {
      path: '/node/attempts/j1-2',
      job: 'j1',
      attempt: 2,
      gpus,
      plan: { command: ['python', 'train.py'], image: 'torch', ...plan },
    },
    env: { PATH: '/node/env/bin:/usr/bin:/bin', TMPDIR: '/node/attempts/j1-2/tmp', TOKEN: 's3' },
    image: { id: 'sha256:1', path: '/opt/conda/bin:/usr/bin' },
    owner: { uid: 65534, gid: 65534 },
    shared: ['/node/env'],
    log: 'engine',
  })

test('a plan becomes a container that may do what the plan says', () => {
  const mount = (path: string, ReadOnly: boolean, Target = path): Mount => ({
    Type: 'bind',
    Source: path,
    Target,
    ReadOnly,
  })
  const folder = '/node/attempts/j1-2'
  expect(
    spec({ limits: { memoryBytes: 2 ** 30, cpus: 1.5, pids: 9 } }, ['GPU-a', 'MIG-b']),
  ).toEqual({
    Image: 'sha256:1',
    Entrypoint: ['python'],
    Cmd: ['train.py'],
    Env: [
      'TINI_KILL_PROCESS_GROUP=1',
      'TMPDIR=/tmp',
      'TOKEN=s3',
      'PATH=/node/env/bin:/opt/conda/bin:/usr/bin',
    ],
    User: '65534:65534',
    WorkingDir: `${folder}/work`,
    Labels: {
      'hearth.job': 'j1',
      'hearth.attempt': '2',
      'hearth.node': '/node/attempts',
      'hearth.folder': folder,
    },
    HostConfig: {
      Mounts: [
        mount(folder, true),
        mount(`${folder}/work`, false),
        mount(`${folder}/home`, false),
        mount(`${folder}/tmp`, false),
        mount(`${folder}/events`, false),
        mount(`${folder}/tmp`, false, '/tmp'),
        mount('/node/env', true),
      ],
      ReadonlyRootfs: true,
      NetworkMode: 'none',
      CapDrop: ['ALL'],
      SecurityOpt: ['no-new-privileges'],
      Init: true,
      LogConfig: {
        Type: 'local',
        Config: { 'max-size': '1000000g', 'max-file': '1', compress: 'false' },
      },
      RestartPolicy: { Name: 'no' },
      Ulimits: [{ Name: 'core', Soft: 0, Hard: 0 }],
      ShmSize: 2 ** 30,
      Memory: 2 ** 30,
      MemorySwap: 2 ** 30,
      NanoCpus: 1_500_000_000,
      PidsLimit: 9,
      DeviceRequests: [{ Driver: '', DeviceIDs: ['GPU-a', 'MIG-b'], Capabilities: [['gpu']] }],
    },
  })
})

test('a network only for a plan that asks for it, a PATH of its own for one that has it', () => {
  const { HostConfig, Env } = spec({ network: true, env: { PATH: '/mine' } })
  expect([HostConfig['NetworkMode'], Env.at(-1)]).toEqual(['bridge', 'PATH=/mine'])
})

test('frames are taken apart wherever the stream is cut', () => {
  const frame = (stream: number, text: string) => [
    stream,
    0,
    0,
    0,
    0,
    0,
    0,
    text.length,
    ...Buffer.from(text),
  ]
  const bytes = Uint8Array.from([...frame(1, 'out\n'), ...frame(2, ''), ...frame(2, 'err\n')])
  for (let size = 1; size <= bytes.length; size++) {
    const read = frameReader()
    const parts: Uint8Array[] = []
    for (let at = 0; at < bytes.length; at += size) parts.push(...read(bytes.slice(at, at + size)))
    expect(Buffer.concat(parts).toString()).toBe('out\nerr\n')
  }
})

test('a pull is told in whole percent of all layers; its failure in words', () => {
  const said: string[] = []
  const line = pullProgress('torch', (detail) => said.push(detail))
  const layer = (id: string, current: number) =>
    line({ id, status: 'Downloading', progressDetail: { current, total: 50 * 2 ** 20 } })
  layer('a', 0)
  layer('b', 25 * 2 ** 20)
  layer('b', 25 * 2 ** 20 + 1)
  line({ id: 'b', status: 'Download complete' })
  line({ id: 'a', status: 'Extracting' })
  expect(said).toEqual([
    'pulling torch: 0% of 50 MiB',
    'pulling torch: 25% of 100 MiB',
    'pulling torch: 50% of 100 MiB',
  ])
  expect(() => line({ error: 'no space left' })).toThrow(
    new ImageError('The image torch cannot be pulled: no space left'),
  )
})

test('an engine of another machine cannot be used', () => {
  expect([undefined, 'unix:///run/x.sock', 'tcp://far:2375'].map((host) => socketOf(host))).toEqual(
    [
      { socket: '/var/run/docker.sock', refused: null },
      { socket: '/run/x.sock', refused: null },
      {
        socket: '/var/run/docker.sock',
        refused: 'DOCKER_HOST=tcp://far:2375 is not a Unix socket of this machine',
      },
    ],
  )
})
