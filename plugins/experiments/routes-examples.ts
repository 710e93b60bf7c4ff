/** The routes of example tasks: looked at, downloaded, and begun with in one request. */
import { HearthError, router, t, type Who } from '../../src/sdk.ts'
import { changesOf, newExperiment, updateBody } from './bodies.ts'
import type { Desk } from './desk.ts'
import { fileNotFound } from './errors.ts'
import { type ExampleTask, exampleTasks, exampleView } from './examples/tasks.ts'
import { fileView, type StoredFile } from './files/files.ts'
import { experimentView, filesView } from './views.ts'

const tags = ['experiments: examples']

const taskOf = (id: string): ExampleTask => {
  const task = exampleTasks.find((one) => one.id === id)
  if (!task) throw new HearthError('not_found', `There is no example task ${id}`)
  return task
}

export const exampleRoutes = ({ experiments, files }: Pick<Desk, 'experiments' | 'files'>) => {
  /** As if the caller had uploaded them. */
  const upload = async (who: Who, task: ExampleTask): Promise<StoredFile[]> => {
    const stored: StoredFile[] = []
    for (const { name, text } of task.files) {
      stored.push(await files.add(who, name, new Blob([text()]).stream()))
    }
    return stored
  }
  return router()
    .get('/api/example-tasks', () => exampleTasks.map(exampleView), {
      detail: { tags, summary: 'List example tasks' },
    })
    .get('/api/example-tasks/:id', ({ params }) => exampleView(taskOf(params.id)), {
      detail: { tags, summary: 'Get an example task' },
    })
    .get(
      '/api/example-tasks/:id/files/:name',
      ({ params }) => {
        const file = taskOf(params.id).files.find(({ name }) => name === params.name)
        if (!file) throw fileNotFound()
        return new Response(file.text(), {
          headers: {
            'content-type': 'text/csv; charset=utf-8',
            'content-disposition': `attachment; filename="${file.name}"`,
            'x-content-type-options': 'nosniff',
          },
        })
      },
      {
        detail: {
          tags,
          summary: 'Download a file of an example task',
          responses: { 200: { description: 'The file', content: { 'text/csv': {} } } },
        },
      },
    )
    .post(
      '/api/example-tasks/:id/files',
      async ({ params, who, set }) => {
        const stored = await upload(who, taskOf(params.id))
        set.status = 201
        return stored.map(fileView)
      },
      {
        detail: {
          tags,
          summary: 'Have the files of an example task among the uploaded ones',
          'x-rate-limit': 'upload',
        } as object,
      },
    )
    .post(
      '/api/example-tasks/:id/experiments',
      async ({ params, body, who, set }) => {
        const task = taskOf(params.id)
        const { title: name, goal, evaluation } = task
        const given = {
          ...newExperiment({ name, goal, eval: evaluation }),
          ...(body && changesOf(body)),
        }
        const stored = await upload(who, task)
        const ids = stored.map(({ id }) => id)
        try {
          const made = await experiments.create(who, { ...given, files: [...ids, ...given.files] })
          set.status = 201
          return { ...experimentView(made), files: filesView(await experiments.inputs(made.id)) }
        } finally {
          // The experiment has its own by now; nobody asked for uploads.
          for (const id of ids) await files.remove(who, id)
        }
      },
      {
        body: t.Optional(updateBody),
        detail: {
          tags,
          summary: 'Create an experiment from an example task',
          'x-rate-limit': 'create',
        } as object,
      },
    )
}
