/** Networks trained elsewhere are brought as ONNX: tried once, then models like any other. */
import { HearthError, router, Type as t, type Who } from '../../../src/sdk.ts'
import type { Catalogue } from '../catalogue.ts'
import { modelPaths } from '../models/manifest.ts'
import type { Registry } from '../models/registry.ts'
import type { ServedModels } from './served.ts'

const maxBytes = 64 * 2 ** 20

export interface BringOptions {
  readonly catalogue: Catalogue
  readonly registry: Registry
  readonly served: ServedModels
}

export const bringRoutes = (options: BringOptions) =>
  router().post(
    '/api/models',
    async ({ query, request, who }) => {
      const onnx = new Uint8Array(await request.arrayBuffer())
      return options.registry
        .views([await bring(options, who, query.name, query.scenario, onnx)])
        .then(([view]) => view)
    },
    {
      parse: 'none',
      query: t.Object({
        name: t.String({ minLength: 1, maxLength: 100, pattern: '^[^\\x00-\\x1f\\x7f]*$' }),
        scenario: t.Optional(t.String({ minLength: 1, maxLength: 100 })),
      }),
      detail: {
        tags: ['models'],
        summary: 'Bring an ONNX network: `observation` in, `logits` out, rows of float32',
        'x-max-body': maxBytes,
        requestBody: {
          required: true,
          content: { 'application/octet-stream': { schema: { type: 'string', format: 'binary' } } },
        },
      },
    },
  )

/** @throws HearthError `conflict`, `validation`: the network is none, or not of the scenario */
const bring = async (
  { catalogue, registry, served }: BringOptions,
  who: Who,
  name: string,
  scenario: string | undefined,
  onnx: Uint8Array<ArrayBuffer>,
) => {
  const spec = scenario === undefined ? undefined : (await catalogue.get(who, scenario)).spec
  const { width, actions } = await served.probe(onnx, spec?.observations)
  if (spec && (width !== spec.observations || actions !== spec.actions.length)) {
    const wanted = `${spec.observations} numbers and ${spec.actions.length} actions`
    const message = `${spec.id} has ${wanted}, the network ${width} and ${actions}`
    throw new HearthError('validation', message)
  }
  return registry.register(who, {
    name,
    kind: 'policy',
    scenario: { id: spec?.id ?? '', version: spec?.version ?? 0 },
    framework: 'Native',
    accuracy: 0,
    episodes: 0,
    test: {},
    lineage: {},
    files: [{ path: modelPaths.onnx, open: async () => new Blob([onnx]).stream() }],
  })
}
