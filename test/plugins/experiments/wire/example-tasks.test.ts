/** Example tasks: looked at, downloaded, and begun with, without anything left behind. */
import { afterAll, beforeAll, expect, test } from 'bun:test'
import type { PluginUnderTest } from '../../../../src/testing.ts'
import { answer, dataOf, failure, open, sendJson, success, time } from './rig.ts'

let app: PluginUnderTest
beforeAll(async () => {
  app = await open()
})
afterAll(() => app.stop())

const path = '/api/example-tasks'
const ids = ['apartment-rents', 'customer-churn', 'grain-kinds']

interface Task {
  readonly id: string
  readonly title: string
  readonly sections: { readonly goal: string; readonly evaluation: string }
  readonly data_files: readonly { readonly name: string; readonly path: string; size: number }[]
}

test('are listed as the front end reads them, and one by one', async () => {
  const tasks = await dataOf<Task[]>(app.fetch(path))
  expect(tasks.map(({ id }) => id)).toEqual(ids)
  for (const task of tasks) {
    expect(await answer(await app.fetch(`${path}/${task.id}`))).toEqual(success(task))
    expect(task).toEqual({
      id: task.id,
      title: expect.any(String),
      filename: `${task.id}.md`,
      sections: {
        ...{ goal: expect.any(String), background: expect.any(String) },
        ...{ evaluation: expect.any(String), data_description: expect.any(String) },
      },
      data_files: [
        {
          name: expect.stringMatching(/\.csv$/),
          size: expect.any(Number),
          type: 'csv',
          path: expect.stringContaining(`${path}/${task.id}/files/`),
          preview: expect.stringMatching(/^([^\n]+\n){5}[^\n]+$/),
        },
      ],
      file_count: 1,
      has_data: true,
    } as never)
  }
})

test('their files are downloaded whole, and are the same each time', async () => {
  for (const id of ids) {
    const [file] = (await dataOf<Task>(app.fetch(`${path}/${id}`))).data_files
    const reply = await app.fetch(file?.path ?? '')
    expect(reply.headers.get('content-type')).toBe('text/csv; charset=utf-8')
    expect((await reply.bytes()).length).toBe(file?.size as number)
  }
})

test('an experiment has the files as its own, and no upload is left', async () => {
  const { title, sections } = await dataOf<Task>(app.fetch(`${path}/grain-kinds`))
  const changes = { steps: 2, seed: 3 }
  const reply = await sendJson(app.fetch, 'POST', `${path}/grain-kinds/experiments`, changes)
  expect(await answer(reply)).toMatchObject({
    status: 201,
    body: {
      data: {
        ...{ name: title, goal: sections.goal, eval: sections.evaluation, steps: 2 },
        ...{ status: 'pending', createdAt: time, settings: { seed: 3 } },
        files: [{ name: 'grains.csv' }],
      },
    },
  })
  expect(await dataOf(app.fetch('/api/files'))).toMatchObject({ files: [], total: 0 })
})

test('their files can be had among the uploaded ones', async () => {
  const reply = await sendJson(app.fetch, 'POST', `${path}/customer-churn/files`)
  const { status, body } = await answer(reply)
  const { data } = body as { data: { id: string }[] }
  expect([status, data]).toMatchObject([201, [{ originalName: 'customers.csv' }]] as never)
  const whole = await app.fetch(`/api/files/${data[0]?.id}/download`)
  const same = await app.fetch(`${path}/customer-churn/files/customers.csv`)
  expect(await whole.text()).toBe(await same.text())
})

test('what is not there is 404, in its own words', async () => {
  const task = failure(404, 'NOT_FOUND', 'There is no example task x')
  for (const rest of ['x', 'x/files/a.csv']) {
    expect(await answer(await app.fetch(`${path}/${rest}`))).toEqual(task)
  }
  for (const rest of ['x/files', 'x/experiments']) {
    expect(await answer(await sendJson(app.fetch, 'POST', `${path}/${rest}`))).toEqual(task)
  }
  for (const name of ['b.csv', '..%2f..%2fpackage.json', '%zz']) {
    expect(await answer(await app.fetch(`${path}/grain-kinds/files/${name}`))).toEqual(
      failure(404, 'FILE_NOT_FOUND', 'File does not exist'),
    )
  }
})
