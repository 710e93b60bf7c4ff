/** The OpenAPI document, drawn from the routes themselves by `@elysiajs/swagger`. */
import { swagger } from '@elysiajs/swagger'
import { type AnyElysia, Elysia } from 'elysia'
import type { Assembly } from '../boot.ts'
import { sdkVersion } from '../boot.ts'
import { shapeOf } from '../routes.ts'
import { completeOperation, type Json, type Operation } from './operation.ts'
import { asChecked, toOpenApi } from './schema.ts'

export const openapiDocument = async (assembly: Assembly, authRequired: boolean): Promise<Json> => {
  const app = new Elysia().use(swagger({ path: '/docs', excludeStaticFile: false }))
  for (const { instance, state } of assembly.slots.values()) {
    if (state === 'running') drawRoutes(app, instance?.contributions.routes)
  }
  const reply = await app.handle(new Request('http://localhost/docs/json'))
  const drawn = (await reply.json()) as Json & { paths: Record<string, Record<string, Operation>> }
  const paths: Record<string, Record<string, Operation>> = {}
  for (const [path, operations] of Object.entries(drawn.paths)) {
    for (const [method, operation] of Object.entries(operations)) {
      const route = assembly.routes.find(method.toUpperCase(), asRoutePath(path)).route
      const plugin = route && assembly.slots.get(route.owner)?.plugin
      if (!plugin) continue
      const needsToken = !route.marks.isPublic && (authRequired || plugin.access === 'token')
      const parameters = withPathParameters(path, operation.parameters)
      const described = { ...operation, ...(parameters.length > 0 && { parameters }) }
      const { path: routePath, marks } = route
      const context = { plugin, needsToken, path: routePath, bodyTypes: marks.bodyTypes }
      const complete = completeOperation(described, context)
      paths[path] = { ...paths[path], [method]: complete }
    }
  }
  return {
    openapi: '3.0.3',
    info: {
      title: 'Hearth',
      version: sdkVersion,
      description: 'A machine-learning workbench: every route of every plugin that is running.',
    },
    servers: [{ url: '/' }],
    tags: tagsOf(paths),
    paths: { ...paths, '/health': { get: healthOperation } },
    components: {
      ...(toOpenApi(drawn['components']) as Json | undefined),
      securitySchemes: {
        bearer: { type: 'http', scheme: 'bearer', description: 'A login token or an API key' },
      },
    },
  }
}

/** Every tag in use, in order of appearance. */
const tagsOf = (paths: Record<string, Record<string, Operation>>): { name: string }[] => {
  const operations = Object.values(paths).flatMap((methods) => Object.values(methods))
  return [...new Set(operations.flatMap(({ tags = [] }) => tags))].map((name) => ({ name }))
}

/**
 * Declares the same routes with nothing behind them. A wildcard needs a name to be shown, and is
 * left out beside a parameter in the same place: it only takes more of the same.
 */
const drawRoutes = (app: AnyElysia, routes: AnyElysia | undefined): void => {
  const all = routes?.routes ?? []
  const shapes = new Set(all.map(({ method, path }) => `${method} ${shapeOf(path)}`))
  for (const { method, path, hooks } of all) {
    const named = path.replace(/\*$/, ':path')
    if (named !== path && shapes.has(`${method} ${shapeOf(named)}`)) continue
    const { query, params, headers, detail, type } = hooks as Json
    // A route that describes its body by hand means that, not what its parser lets in.
    const isByHand = (detail as Json | undefined)?.['requestBody'] !== undefined
    const body = isByHand ? undefined : asChecked((hooks as Json)['body'])
    const response = asChecked((hooks as Json)['response'])
    const shown = { body, query, params, headers, response, detail, type }
    app.route(method, named, () => '', shown as object)
  }
}

/** Wildcards have no schema of their own, so their parameter is added here. */
const withPathParameters = (path: string, parameters: readonly Json[] = []): Json[] => {
  const names = [...path.matchAll(/\{([^}]+)\}/g)].map(([, name]) => name)
  const given = parameters.filter((parameter) => parameter['in'] === 'path')
  const missing = names.filter((name) => !given.some((parameter) => parameter['name'] === name))
  const added = missing.map((name) => ({
    name,
    in: 'path',
    required: true,
    schema: { type: 'string', minLength: 1 },
  }))
  return [...parameters, ...added]
}

const asRoutePath = (path: string): string => path.replace(/\{[^}]+\}/g, 'x')

const healthOperation: Operation = {
  summary: 'Whether the server serves',
  tags: ['kernel'],
  security: [],
  operationId: 'getHealth',
  responses: {
    '200': {
      description: 'It does',
      content: {
        'application/json': {
          schema: { type: 'object', properties: { status: { type: 'string' } } },
          example: { status: 'healthy', version: sdkVersion, database: 'ok', plugins: {} },
        },
      },
    },
    '503': { description: 'The database does not answer' },
  },
}
