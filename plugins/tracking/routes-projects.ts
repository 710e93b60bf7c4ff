/** The routes of projects. */
import { router, t } from '../../src/sdk.ts'
import { readJson } from './body.ts'
import { documented, flagOf, idOf, pageOf, queryOf } from './parameters.ts'
import type { Projects } from './projects.ts'
import type { Trash } from './trash.ts'
import { messageSchema, projectSchema, projectView } from './views.ts'

/** Not blank, and nothing that a terminal or a log would choke on. */
const projectName = t.String({
  minLength: 1,
  maxLength: 200,
  pattern: '^[^\\u0000-\\u001f\\u007f]*[^\\s\\u0000-\\u001f\\u007f][^\\u0000-\\u001f\\u007f]*$',
  error: 'must be 1 to 200 characters, not blank, without control characters',
  examples: ['My Project'],
})

export const longText = t.Union(
  [t.String({ maxLength: 100_000, pattern: '^[^\\u0000]*$' }), t.Null()],
  { error: 'must be text of at most 100,000 characters, without NUL' },
)

const fields = {
  name: projectName,
  description: t.Optional(longText),
  is_public: t.Optional(t.Boolean()),
}

const newProject = t.Object(fields, {
  examples: [{ name: 'My Project', description: 'A machine learning project', is_public: false }],
})

const changeOfProject = t.Partial(t.Object(fields), {
  examples: [{ name: 'Updated Project Name', description: 'Updated description' }],
})

const changeOf = (body: { description?: string | null; is_public?: boolean }) => ({
  ...(body.description !== undefined && { description: body.description }),
  ...(body.is_public !== undefined && { isPublic: body.is_public }),
})

export const projectRoutes = (projects: Projects, trash: Trash) =>
  router()
    .parser('trackingJson', ({ request }) => readJson(request))
    .get(
      '/projects/',
      async ({ request, who }) => {
        const query = queryOf(request)
        const page = { ...pageOf(query, 100, 1000), deleted: flagOf(query, 'deleted') }
        return (await projects.list(who, page)).map(projectView)
      },
      {
        response: t.Array(projectSchema),
        detail: {
          tags: ['projects'],
          summary: 'List projects',
          description: 'The projects of the caller, by id; those of everybody for a superuser.',
          parameters: [...documented.page(100, 1000), documented.deleted],
        },
      },
    )
    .post(
      '/projects/',
      async ({ body, who }) =>
        projectView(await projects.create(who, { ...changeOf(body), name: body.name })),
      {
        parse: 'trackingJson',
        body: newProject,
        response: projectSchema,
        detail: { tags: ['projects'], summary: 'Create a project' },
      },
    )
    .get(
      '/projects/:project_id',
      async ({ params, who }) =>
        projectView(await projects.readable(who, idOf(params.project_id, 'project_id'))),
      {
        response: projectSchema,
        detail: {
          tags: ['projects'],
          summary: 'Read a project',
          parameters: [documented.id('project_id')],
        },
      },
    )
    .put(
      '/projects/:project_id',
      async ({ params, body, who }) => {
        const change = { ...changeOf(body), ...(body.name !== undefined && { name: body.name }) }
        return projectView(
          await projects.update(who, idOf(params.project_id, 'project_id'), change),
        )
      },
      {
        parse: 'trackingJson',
        body: changeOfProject,
        response: projectSchema,
        detail: {
          tags: ['projects'],
          summary: 'Change a project',
          description: 'Changes the fields that are given and leaves the others.',
          parameters: [documented.id('project_id')],
        },
      },
    )
    .delete(
      '/projects/:project_id',
      async ({ params, request, who }) => {
        const id = idOf(params.project_id, 'project_id')
        if (!flagOf(queryOf(request), 'permanent')) {
          await projects.trash(who, id)
          return { message: `Project ${id} deleted; POST /projects/${id}/restore brings it back` }
        }
        await trash.deleteProject(who, id)
        return { message: `Project ${id} deleted for good` }
      },
      {
        response: messageSchema,
        detail: {
          tags: ['projects'],
          summary: 'Delete a project',
          description: 'Puts it and its runs in the trash, or deletes them for good.',
          parameters: [documented.id('project_id'), documented.permanent],
        },
      },
    )
    .post(
      '/projects/:project_id/restore',
      async ({ params, who }) =>
        projectView(await projects.restore(who, idOf(params.project_id, 'project_id'))),
      {
        parse: 'none',
        response: projectSchema,
        detail: {
          tags: ['projects'],
          summary: 'Bring a project back from the trash',
          parameters: [documented.id('project_id')],
        },
      },
    )
